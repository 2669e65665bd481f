//! Loads and stores of buffers.

use super::{Access, Binding, DType, Device, KernelError, Value, Writer, unsupported};

/// How much of a buffer one access takes; the unit of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// An element.
    One,
    /// 4 bytes: offset and strides are multiples of that.
    Four,
    /// 16 bytes: offset and strides are multiples of that.
    Sixteen,
}

/// The element type that a buffer is declared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    F32,
    I32,
    F16,
    I16,
    I8,
    F32x4,
    I32x4,
    /// i32 of which an element is a part, or which are parts of an element; addresses still count elements.
    Words,
}

/// A parameter of the kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Argument {
    pub binding: Binding,
    pub width: Width,
    pub bound: Bound,
}

impl Argument {
    pub fn new(binding: Binding, width: Width, device: &Device) -> Result<Self, KernelError> {
        let Binding {
            name,
            dtype,
            access,
            elements,
        } = binding;
        let bound = match (width, dtype) {
            (Width::Sixteen, DType::F32) => Bound::F32x4,
            (Width::Sixteen, _) => Bound::I32x4,
            (_, DType::F32) => Bound::F32,
            (Width::Four, _) | (_, DType::I32) => Bound::I32,
            (Width::One, DType::F16) if device.storage16 && device.float16 => Bound::F16,
            (Width::One, DType::F16 | DType::BF16) if device.storage16 => Bound::I16,
            (Width::One, DType::I8) if device.storage8 && device.int8 => Bound::I8,
            (Width::One, _) => Bound::Words,
        };
        if bound == Bound::Words && access != Access::Read && dtype != DType::I64 {
            let bits = 8 * dtype.bytes();
            return unsupported(format!(
                "storing {name} as {} needs {bits}-bit storage, which the device does not have",
                dtype.name()
            ));
        }
        if elements.saturating_mul(1.max(bytes(dtype) / 4)) > i64::from(i32::MAX) {
            return unsupported(format!(
                "{name} has {elements} elements: kernels count in 32 bits"
            ));
        }
        Ok(Argument {
            binding,
            width,
            bound,
        })
    }

    pub fn ty(&self) -> &'static str {
        match self.bound {
            Bound::F32 => "f32",
            Bound::I32 | Bound::Words => "i32",
            Bound::F16 => "f16",
            Bound::I16 => "i16",
            Bound::I8 => "i8",
            Bound::F32x4 => "vector<4xf32>",
            Bound::I32x4 => "vector<4xi32>",
        }
    }

    pub fn memref(&self) -> String {
        format!("memref<?x{}>", self.ty())
    }

    /// Elements of the binding's type in a unit of addresses.
    pub fn step(&self) -> i64 {
        let bytes = bytes(self.binding.dtype);
        match self.width {
            Width::One => 1,
            Width::Four => (4 / bytes).max(1),
            Width::Sixteen => 16 / bytes,
        }
    }
}

/// Size of an element.
fn bytes(dtype: DType) -> i64 {
    dtype.bytes().cast_signed()
}

impl Writer {
    /// Where binding `b` begins, in units of its [`Width`].
    pub fn start(&self, b: usize) -> Value {
        self.starts[b].clone()
    }

    /// How much of binding `b` one access takes.
    pub fn width(&self, b: usize) -> Width {
        self.arguments[b].width
    }

    /// Elements that one access of binding `b` takes.
    pub fn per_access(&self, b: usize) -> i64 {
        self.arguments[b].step()
    }

    /// The elements at `at` (counted from the buffer's first, so mostly [`Writer::start`] plus something): f32 of floats, i32 of
    /// integers; an i64 that does not fit becomes the nearest that does. One element of [`Width::One`].
    pub fn loads(&mut self, b: usize, at: &Value) -> Vec<Value> {
        let Argument {
            binding,
            width,
            bound,
        } = self.arguments[b];
        if width == Width::One || binding.dtype.bytes() == 4 && width == Width::Four {
            return vec![self.load(b, at)];
        }
        if bound == Bound::F32x4 {
            let whole = self.raw(b, at);
            return (0..4)
                .map(|i| {
                    self.op(format_args!(
                        "vector.extract {whole}[{i}] : f32 from vector<4xf32>"
                    ))
                })
                .collect();
        }
        let words = self.words(b, at);
        words
            .iter()
            .flat_map(|word| self.parts(binding.dtype, word))
            .collect()
    }

    /// Elements `from .. from + count` of what [`Writer::raw`] loaded from binding `b` of [`Width::Sixteen`]: as [`Writer::loads`] gives them, but
    /// no more than are needed next. `from` and `count` are even.
    pub fn elements(&mut self, b: usize, raw: &Value, from: i64, count: i64) -> Vec<Value> {
        let Argument { binding, bound, .. } = self.arguments[b];
        if bound == Bound::F32x4 {
            return (from..from + count)
                .map(|i| {
                    self.op(format_args!(
                        "vector.extract {raw}[{i}] : f32 from vector<4xf32>"
                    ))
                })
                .collect();
        }
        let each = 4 / bytes(binding.dtype);
        let words = from / each..(from + count + each - 1) / each;
        let mut all = Vec::new();
        for i in words {
            let word = self.op(format_args!(
                "vector.extract {raw}[{i}] : i32 from vector<4xi32>"
            ));
            all.extend(self.parts(binding.dtype, &word));
        }
        let skip = usize::try_from(from % each).unwrap_or_default();
        all.into_iter()
            .skip(skip)
            .take(usize::try_from(count).unwrap_or_default())
            .collect()
    }

    /// The element at `at` of a binding of [`Width::One`] (or of 4 bytes each).
    pub fn load(&mut self, b: usize, at: &Value) -> Value {
        let Argument { binding, bound, .. } = self.arguments[b];
        match bound {
            Bound::F32 | Bound::I32 => self.raw(b, at),
            Bound::F16 => {
                let raw = self.raw(b, at);
                self.op(format_args!("arith.extf {raw} : f16 to f32"))
            }
            Bound::I16 => {
                let raw = self.raw(b, at);
                let word = self.op(format_args!("arith.extui {raw} : i16 to i32"));
                self.parts(binding.dtype, &word).swap_remove(0)
            }
            Bound::I8 => {
                let raw = self.raw(b, at);
                self.op(format_args!("arith.extsi {raw} : i8 to i32"))
            }
            Bound::Words if binding.dtype == DType::I64 => self.load_i64(b, at),
            Bound::Words => self.load_part(b, at),
            Bound::F32x4 | Bound::I32x4 => unreachable!("16 bytes are loaded by `loads`"),
        }
    }

    /// The 4-byte words at `at` of a binding of [`Width::Four`] or [`Width::Sixteen`], as i32.
    pub fn words(&mut self, b: usize, at: &Value) -> Vec<Value> {
        let raw = self.raw(b, at);
        match self.arguments[b].bound {
            Bound::I32x4 => (0..4)
                .map(|i| {
                    self.op(format_args!(
                        "vector.extract {raw}[{i}] : i32 from vector<4xi32>"
                    ))
                })
                .collect(),
            Bound::F32 => vec![self.op(format_args!("arith.bitcast {raw} : f32 to i32"))],
            _ => vec![raw],
        }
    }

    /// What is at `at`, in the type that the buffer is declared with: `vector<4xf32>` or `vector<4xi32>` of [`Width::Sixteen`].
    pub fn raw(&mut self, b: usize, at: &Value) -> Value {
        let at = self.index(at);
        self.op(format_args!(
            "memref.load %b{b}[{at}] : {}",
            self.arguments[b].memref()
        ))
    }

    pub(super) fn index(&mut self, at: &Value) -> Value {
        self.op(format_args!("arith.index_cast {at} : i32 to index"))
    }

    /// The elements in a word, lowest first.
    fn parts(&mut self, dtype: DType, word: &Value) -> Vec<Value> {
        match dtype {
            DType::F32 => vec![self.op(format_args!("arith.bitcast {word} : i32 to f32"))],
            DType::F16 => {
                let pair = self.op(format_args!(
                    "spirv.GL.UnpackHalf2x16 {word} : i32 -> vector<2xf32>"
                ));
                (0..2)
                    .map(|i| {
                        self.op(format_args!(
                            "vector.extract {pair}[{i}] : f32 from vector<2xf32>"
                        ))
                    })
                    .collect()
            }
            DType::BF16 => {
                let (width, mask) = (self.int(16), self.int(-65_536));
                let low = self.ints("shli", word, &width);
                let high = self.ints("andi", word, &mask);
                [low, high]
                    .iter()
                    .map(|bits| self.op(format_args!("arith.bitcast {bits} : i32 to f32")))
                    .collect()
            }
            DType::I8 => (0..4)
                .map(|i| {
                    let (up, down) = (self.int(24 - 8 * i), self.int(24));
                    let top = self.ints("shli", word, &up);
                    self.ints("shrsi", &top, &down)
                })
                .collect(),
            DType::I32 | DType::I64 => vec![word.clone()],
        }
    }

    fn load_i64(&mut self, b: usize, at: &Value) -> Value {
        let at = self.mul(at, 2);
        let low = self.raw(b, &at);
        let at = self.add_const(&at, 1);
        let high = self.raw(b, &at);
        let (width, least, most) = (self.int(31), self.int(i64::MIN), self.int(i64::MAX));
        let sign = self.ints("shrsi", &low, &width);
        let fits = self.int_is("eq", &high, &sign);
        let negative = self.int_is_const("slt", &high, 0);
        let bound = self.choose(&negative, &least, &most, "i32");
        self.choose(&fits, &low, &bound, "i32")
    }

    /// An element of 8 or 16 bits out of its word.
    fn load_part(&mut self, b: usize, at: &Value) -> Value {
        let dtype = self.arguments[b].binding.dtype;
        let each = 4 / bytes(dtype);
        let word = self.div(at, each);
        let word = self.raw(b, &word);
        let part = self.rem(at, each);
        let shift = self.mul(&part, 32 / each);
        let low = self.ints("shrui", &word, &shift);
        self.parts(dtype, &low).swap_remove(0)
    }

    /// An f32 rounded to a float type, to the same bits as by [`Writer::store`]: drivers round where they pack two halves in another way.
    pub fn rounded(&mut self, dtype: DType, value: &Value) -> Value {
        if dtype == DType::F32 {
            return value.clone();
        }
        if dtype == DType::F16 && self.device.storage16 && self.device.float16 {
            let half = self.op(format_args!("arith.truncf {value} : f32 to f16"));
            return self.op(format_args!("arith.extf {half} : f16 to f32"));
        }
        let bits = self.half_bits(dtype, value);
        self.parts(dtype, &bits).swap_remove(0)
    }

    /// Stores an element, f32 of floats or i32 of integers, at `at` of a binding of [`Width::One`] (or of 4 bytes each).
    pub fn store(&mut self, b: usize, at: &Value, value: &Value) {
        let Argument { binding, bound, .. } = self.arguments[b];
        if bound == Bound::Words {
            let (at, width) = (self.mul(at, 2), self.int(31));
            self.store_raw(b, &at, value);
            let (at, high) = (self.add_const(&at, 1), self.ints("shrsi", value, &width));
            return self.store_raw(b, &at, &high);
        }
        let value = match (bound, binding.dtype) {
            (Bound::F16, _) => self.op(format_args!("arith.truncf {value} : f32 to f16")),
            (Bound::I16, dtype) => {
                let bits = self.half_bits(dtype, value);
                self.op(format_args!("arith.trunci {bits} : i32 to i16"))
            }
            (Bound::I8, _) => self.op(format_args!("arith.trunci {value} : i32 to i8")),
            _ => value.clone(),
        };
        self.store_raw(b, at, &value);
    }

    /// Stores the elements of an access of [`Width::Sixteen`]: f32, f16 or bf16, given as f32.
    pub fn stores(&mut self, b: usize, at: &Value, values: &[Value]) {
        let Argument { binding, bound, .. } = self.arguments[b];
        let (ty, words) = match (bound, binding.dtype) {
            (Bound::F32x4, _) => ("f32", values.to_vec()),
            (Bound::I32x4, dtype @ (DType::F16 | DType::BF16)) => (
                "i32",
                values
                    .chunks(2)
                    .map(|pair| self.pack(dtype, &pair[0], &pair[1]))
                    .collect(),
            ),
            _ => unreachable!("only floats are stored 16 bytes at once"),
        };
        let words = super::list(&words);
        let whole = self.op(format_args!(
            "vector.from_elements {words} : vector<4x{ty}>"
        ));
        self.store_raw(b, at, &whole);
    }

    /// Two f32 as two 16-bit floats in a word.
    fn pack(&mut self, dtype: DType, low: &Value, high: &Value) -> Value {
        if dtype == DType::F16 {
            let pair = self.op(format_args!(
                "vector.from_elements {low}, {high} : vector<2xf32>"
            ));
            return self.op(format_args!(
                "spirv.GL.PackHalf2x16 {pair} : vector<2xf32> -> i32"
            ));
        }
        let (low, high) = (self.half_bits(dtype, low), self.half_bits(dtype, high));
        let width = self.int(16);
        let high = self.ints("shli", &high, &width);
        self.ints("ori", &low, &high)
    }

    /// The bits of an f32 rounded to 16 bits, in the low half of an i32.
    fn half_bits(&mut self, dtype: DType, value: &Value) -> Value {
        if dtype == DType::F16 {
            let zero = self.float(0.0);
            return self.pack(dtype, value, &zero);
        }
        // To nearest even; a NaN stays one.
        let bits = self.op(format_args!("arith.bitcast {value} : f32 to i32"));
        let width = self.int(16);
        let high = self.ints("shrui", &bits, &width);
        let odd = self.rem(&high, 2);
        let rounded = self.add_const(&bits, 0x7fff);
        let rounded = self.add(&rounded, &odd);
        let rounded = self.ints("shrui", &rounded, &width);
        let quiet = self.int(0x40);
        let quiet = self.ints("ori", &high, &quiet);
        let nan = self.float_is("uno", value, value);
        self.choose(&nan, &quiet, &rounded, "i32")
    }

    /// Stores a value of the type that the buffer is declared with.
    pub fn store_raw(&mut self, b: usize, at: &Value, value: &Value) {
        let at = self.index(at);
        self.line(format_args!(
            "memref.store {value}, %b{b}[{at}] : {}",
            self.arguments[b].memref()
        ));
    }
}

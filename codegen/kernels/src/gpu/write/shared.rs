//! Workgroup memory.

use super::{Value, Writer, list};

/// Workgroup memory.
#[derive(Clone, Debug)]
pub struct Shared {
    name: Value,
    ty: &'static str,
    elements: i64,
}

impl Writer {
    /// Workgroup memory for `elements` of type `ty` (f32, i32, vector<4xf32>, vector<4xi32>), undefined at first.
    pub fn shared(&mut self, ty: &'static str, elements: i64) -> Shared {
        let name = Value::named(&format!("shared{}", self.prologue.len()));
        let shared = Shared { name, ty, elements };
        self.prologue.push(format!(
            "{} = memref.alloc() : {}",
            shared.name,
            shared.memref()
        ));
        let bytes = if ty.starts_with("vector") { 16 } else { 4 };
        self.shared_bytes += bytes * elements.unsigned_abs();
        shared
    }

    /// An element of workgroup memory.
    pub fn shared_load(&mut self, memory: &Shared, at: &Value) -> Value {
        let at = self.index(at);
        self.op(format_args!(
            "memref.load {}[{at}] : {}",
            memory.name,
            memory.memref()
        ))
    }

    /// Sets an element of workgroup memory.
    pub fn shared_store(&mut self, memory: &Shared, at: &Value, value: &Value) {
        let at = self.index(at);
        self.line(format_args!(
            "memref.store {value}, {}[{at}] : {}",
            memory.name,
            memory.memref()
        ));
    }

    /// The four numbers of an element of workgroup memory of vectors.
    pub fn shared_loads(&mut self, memory: &Shared, at: &Value) -> [Value; 4] {
        let whole = self.shared_load(memory, at);
        let ty = memory.ty;
        let part = ty.trim_start_matches("vector<4x").trim_end_matches('>');
        [0, 1, 2, 3].map(|i| {
            self.op(format_args!(
                "vector.extract {whole}[{i}] : {part} from {ty}"
            ))
        })
    }

    /// Sets the four numbers of an element of workgroup memory of vectors.
    pub fn shared_stores(&mut self, memory: &Shared, at: &Value, values: &[Value; 4]) {
        let values = list(values);
        let whole = self.op(format_args!(
            "vector.from_elements {values} : {}",
            memory.ty
        ));
        self.shared_store(memory, at, &whole);
    }

    /// All invocations of the workgroup wait for each other; workgroup memory written before is seen after.
    pub fn barrier(&mut self) {
        self.line("gpu.barrier");
    }
}

impl Shared {
    pub(super) fn is(&self, ty: &str, elements: i64) -> bool {
        self.ty == ty && self.elements == elements
    }

    fn memref(&self) -> String {
        format!("memref<{}x{}, 3>", self.elements, self.ty)
    }
}

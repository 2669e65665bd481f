//! Functions that do one thing to every element: `func.func @NAME(%a, %c, %b)`, whose result is `%b`.

/// Elements of every buffer.
const N: usize = 200;

/// `%a` and `%c` of type `from` to `%b` of type `to`; the body names them %x, %y and, what %b held before, %u; it ends with %r.
fn function(name: &str, (from, to): (&str, &str), body: &str) -> String {
    let (source, target) = (format!("memref<{N}x{from}>"), format!("memref<{N}x{to}>"));
    format!(
        "func.func @{name}(%a: {source}, %c: {source}, %b: {target}) -> {target} {{
           linalg.generic {{indexing_maps = [#i, #i, #i], iterator_types = [\"parallel\"]}}
             ins(%a, %c : {source}, {source}) outs(%b : {target}) {{
           ^bb0(%x: {from}, %y: {from}, %u: {to}):
             {body}
             linalg.yield %r : {to}
           }}
           return %b : {target}
         }}\n"
    )
}

fn module(functions: impl IntoIterator<Item = String>) -> String {
    let maps = "#i = affine_map<(d0) -> (d0)>\n";
    functions.into_iter().fold(maps.to_owned(), |m, f| m + &f)
}

/// Arithmetic of floats; of roots of negative numbers, too, which are NaN.
pub fn floats() -> String {
    let plain = ["addf", "subf", "mulf", "divf", "remf"];
    let extrema = ["maximumf", "minimumf", "maxnumf", "minnumf"];
    let of = |op: &str, ty: &str| {
        let body = format!(
            "%s = math.sqrt %x : {ty}
             %r = arith.{op} %s, %y : {ty}"
        );
        function(&format!("{op}_{ty}"), (ty, ty), &body)
    };
    let ops = plain.iter().chain(&extrema);
    module(ops.flat_map(|op| ["f32", "f16", "bf16"].map(|ty| of(op, ty))))
}

/// Arithmetic of integers; divisors are odd, shifts by less than the width. Results of 64 bits fit 32.
pub fn integers() -> String {
    let plain = [
        "addi", "subi", "muli", "andi", "ori", "xori", "maxsi", "minsi", "maxui", "minui",
    ];
    let divisions = [
        "divsi",
        "divui",
        "remsi",
        "remui",
        "floordivsi",
        "ceildivsi",
    ];
    let shifts = ["shli", "shrsi", "shrui"];
    let of = |op: &str, ty: &str| {
        let second = match op {
            _ if divisions.contains(&op) => {
                format!("%m = arith.constant 1 : {ty}\n%s = arith.ori %y, %m : {ty}")
            }
            _ if shifts.contains(&op) => {
                format!("%m = arith.constant 5 : {ty}\n%s = arith.andi %y, %m : {ty}")
            }
            _ => format!("%m = arith.constant 3 : {ty}\n%s = arith.addi %y, %m : {ty}"),
        };
        let body = format!("{second}\n%r = arith.{op} %x, %s : {ty}");
        function(&format!("{op}_{ty}"), (ty, ty), &body)
    };
    let signed_only = |op: &str| !op.ends_with("ui");
    let all = || plain.iter().chain(&divisions).chain(&shifts);
    let narrow = all().flat_map(|op| ["i8", "i32"].map(|ty| of(op, ty)));
    let wide = all().filter(|op| signed_only(op)).map(|op| of(op, "i64"));
    module(narrow.chain(wide))
}

/// Comparisons; of integers, of bits, and of floats with NaN among them.
pub fn comparisons() -> String {
    let signed = ["eq", "ne", "slt", "sle", "sgt", "sge"];
    let unsigned = ["ult", "ule", "ugt", "uge"];
    let of_integers = |predicate: &str, ty: &str| {
        let body = format!(
            "%1 = arith.cmpi {predicate}, %x, %y : {ty}
             %2 = arith.cmpi eq, %1, %u : i1
             %r = arith.xori %1, %2 : i1"
        );
        function(&format!("{predicate}_{ty}"), (ty, "i1"), &body)
    };
    let floats = [
        "false", "oeq", "ogt", "oge", "olt", "ole", "one", "ord", "ueq", "ugt", "uge", "ult",
        "ule", "une", "uno", "true",
    ];
    let of_floats = |predicate: &&str| {
        let body = format!(
            "%s = math.sqrt %x : f32
             %1 = arith.cmpf {predicate}, %s, %y : f32
             %r = arith.extsi %1 : i1 to i8"
        );
        function(&format!("f_{predicate}"), ("f32", "i8"), &body)
    };
    let integers = signed.iter().chain(&unsigned);
    let integers = integers.flat_map(|p| ["i8", "i32"].map(|ty| of_integers(p, ty)));
    module(integers.chain(floats.iter().map(of_floats)))
}

/// Conversions.
pub fn casts() -> String {
    let casts = [
        ("sitofp", "i8", "f32"),
        ("uitofp", "i8", "f32"),
        ("sitofp", "i1", "f32"),
        ("uitofp", "i1", "f32"),
        ("sitofp", "i64", "f32"),
        ("uitofp", "i32", "f32"),
        ("sitofp", "i32", "f16"),
        ("sitofp", "i64", "bf16"),
        ("fptosi", "f32", "i8"),
        ("fptosi", "f32", "i32"),
        ("fptosi", "f32", "i64"),
        ("fptosi", "f16", "i32"),
        ("extsi", "i8", "i32"),
        ("extui", "i8", "i32"),
        ("extui", "i8", "i64"),
        ("extsi", "i1", "i64"),
        ("extui", "i1", "i32"),
        ("trunci", "i32", "i8"),
        ("trunci", "i32", "i1"),
        ("trunci", "i64", "i32"),
        ("extf", "f16", "f32"),
        ("extf", "bf16", "f32"),
        ("truncf", "f32", "bf16"),
        ("truncf", "f32", "f16"),
        ("bitcast", "f32", "i32"),
        ("bitcast", "i32", "f32"),
    ];
    let of = |(op, from, to)| {
        let body = format!("%r = arith.{op} %x : {from} to {to}");
        function(&format!("{op}_{from}_{to}"), (from, to), &body)
    };
    module(casts.map(of))
}

/// Functions of the math dialect on arguments of size 3, and of other sizes; where they are not defined as well.
pub fn functions() -> String {
    // with the factors of arguments where they are finite in f32
    let all: [(&str, &[&str]); 28] = [
        ("absf", &["1.0", "0.01", "700.0"]),
        ("ceil", &["1.0", "0.01", "700.0"]),
        ("floor", &["1.0", "0.01", "700.0"]),
        ("round", &["1.0", "0.01", "700.0"]),
        ("roundeven", &["1.0", "0.01", "700.0"]),
        ("trunc", &["1.0", "0.01", "700.0"]),
        ("cos", &["1.0", "0.01", "700.0"]),
        ("sin", &["1.0", "0.01", "700.0"]),
        ("tan", &["0.5", "0.01"]),
        ("erf", &["1.0", "0.01", "700.0"]),
        ("exp", &["1.0", "0.01"]),
        ("exp2", &["1.0", "0.01", "20.0"]),
        ("expm1", &["1.0", "0.01"]),
        ("log", &["1.0", "0.01", "700.0"]),
        ("log2", &["1.0", "0.01", "700.0"]),
        ("log10", &["1.0", "0.01", "700.0"]),
        ("log1p", &["1.0", "0.01", "700.0"]),
        ("sqrt", &["1.0", "0.01", "700.0"]),
        ("rsqrt", &["1.0", "0.01", "700.0"]),
        ("tanh", &["1.0", "0.01", "700.0"]),
        ("sinh", &["1.0", "0.01"]),
        ("cosh", &["1.0", "0.01"]),
        ("asin", &["0.3", "0.01"]),
        ("acos", &["0.3", "0.01"]),
        ("atan", &["1.0", "0.01", "700.0"]),
        ("asinh", &["1.0", "0.01", "700.0"]),
        ("acosh", &["1.0", "700.0"]),
        ("atanh", &["0.3", "0.01"]),
    ];
    let of = |op: &str, ty: &str, factor: &str, n: usize| {
        let body = format!(
            "%s = arith.constant {factor} : {ty}
             %0 = arith.mulf %x, %s : {ty}
             %r = math.{op} %0 : {ty}"
        );
        function(&format!("{op}_{ty}_{n}"), (ty, ty), &body)
    };
    let floats = all.iter().flat_map(|(op, factors)| {
        let wide = factors.iter().enumerate().map(|(n, f)| of(op, "f32", f, n));
        let first = factors.iter().take(1).map(|f| of(op, "f16", f, 0));
        wide.chain(first).collect::<Vec<_>>()
    });
    let absolute = function("absi_i32", ("i32", "i32"), "%r = math.absi %x : i32");
    module(floats.chain([absolute]))
}

/// Functions of two arguments.
pub fn powers() -> String {
    let bases = ["10000.0", "2.0", "0.5", "1.0"];
    let of = |(n, base): (usize, &&str)| {
        let body = format!(
            "%s = arith.constant {base} : f32
             %r = math.powf %s, %x : f32"
        );
        function(&format!("powf_{n}"), ("f32", "f32"), &body)
    };
    let others = "%n = arith.constant 3 : i32
         %m = arith.constant -2 : i32
         %1 = math.fpowi %x, %n : f32, i32
         %2 = arith.addf %x, %y : f32
         %3 = math.fpowi %2, %m : f32, i32
         %4 = math.copysign %3, %x : f32
         %5 = math.fma %1, %2, %y : f32
         %6 = arith.cmpf ogt, %x, %y : f32
         %r = arith.select %6, %4, %5 : f32";
    let others = function("others", ("f32", "f32"), others);
    module(bases.iter().enumerate().map(of).chain([others]))
}

/// Functions of floats of all exponents: bits that a product of integers makes.
pub fn of_any_bits() -> String {
    let functions = [
        "tanh", "erf", "exp2", "exp", "sqrt", "trunc", "floor", "absf",
    ];
    let of = |body: &str, name: &str| {
        let body = format!(
            "%k = arith.constant 87654321 : i32
             %fifty = arith.constant 50 : i32
             %0 = arith.addi %x, %fifty : i32
             %1 = arith.muli %0, %k : i32
             %2 = arith.bitcast %1 : i32 to f32
             {body}"
        );
        function(name, ("i32", "f32"), &body)
    };
    let isnan = "%3 = math.isnan %2 : f32
         %one = arith.constant 1.0 : f32
         %zero = arith.constant 0.0 : f32
         %r = arith.select %3, %one, %zero : f32";
    let each = functions.map(|f| of(&format!("%r = math.{f} %2 : f32"), &format!("{f}_of_bits")));
    module(each.into_iter().chain([of(isnan, "isnan_of_bits")]))
}

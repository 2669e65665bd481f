//! Text of modules with sums of products.

/// A module with a function `f`, that adds the products of elements to its last argument.
pub fn product(args: &[(&str, &str)], out: &str, loops: &str, kinds: &str, ty: &str) -> String {
    let types: Vec<String> = args
        .iter()
        .map(|(dims, _)| format!("tensor<{dims}x{ty}>"))
        .collect();
    let maps: Vec<String> = (args.iter())
        .map(|(_, map)| format!("affine_map<({loops}) -> ({map})>"))
        .collect();
    let maps = maps.join(", ");
    let widen = |name: &str| match ty {
        "f32" => format!("%{name}w = arith.mulf %{name}, %one : f32\n"),
        _ => format!("%{name}w = arith.extf %{name} : {ty} to f32\n"),
    };
    format!(
        "func.func @f(%a: {t0}, %b: {t1}, %o: tensor<{out}xf32>) -> tensor<{out}xf32> {{
           %one = arith.constant 1.0 : f32
           %r = linalg.generic {{indexing_maps = [{maps}, affine_map<({loops}) -> ({out_map})>], iterator_types = [{kinds}]}}
             ins(%a, %b : {t0}, {t1}) outs(%o : tensor<{out}xf32>) {{
           ^bb0(%x: {ty}, %y: {ty}, %s: f32):
             {}{}%p = arith.mulf %xw, %yw : f32
             %t = arith.addf %s, %p : f32
             linalg.yield %t : f32
           }} -> tensor<{out}xf32>
           return %r : tensor<{out}xf32>
         }}",
        widen("x"),
        widen("y"),
        t0 = types[0],
        t1 = types[1],
        out_map = outer(loops, kinds),
    )
}

/// The parallel ones of the loops.
fn outer(loops: &str, kinds: &str) -> String {
    let both = loops.split(", ").zip(kinds.split(", "));
    let parallel: Vec<&str> = (both.filter(|(_, kind)| kind.contains("parallel")))
        .map(|(name, _)| name)
        .collect();
    parallel.join(", ")
}

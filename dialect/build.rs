//! Generates the dialect's C++ with mlir-tblgen, compiles it, and makes the MLIR C API linkable.
use std::{env, fs, path::Path, path::PathBuf, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=cpp");
    println!("cargo:rerun-if-env-changed=MLIR_SYS_220_PREFIX");
    let prefix =
        PathBuf::from(env::var("MLIR_SYS_220_PREFIX").unwrap_or("/usr/lib/llvm-22".into()));
    if !prefix.join("bin/mlir-tblgen").exists() {
        println!(
            "cargo::error=LLVM/MLIR 22 not found under {}: run scripts/setup.sh",
            prefix.display()
        );
        return;
    }
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    generate(&prefix, &out);
    compile(&prefix, &out);
    link_c_api(&prefix, &out);
}

fn generate(prefix: &Path, out: &Path) {
    for (args, file) in [
        (
            &["-gen-dialect-decls", "-dialect=spec"][..],
            "SpecDialect.h.inc",
        ),
        (
            &["-gen-dialect-defs", "-dialect=spec"],
            "SpecDialect.cpp.inc",
        ),
        (&["-gen-enum-decls"], "SpecEnums.h.inc"),
        (&["-gen-enum-defs"], "SpecEnums.cpp.inc"),
        (
            &["-gen-attrdef-decls", "-attrdefs-dialect=spec"],
            "SpecAttrs.h.inc",
        ),
        (
            &["-gen-attrdef-defs", "-attrdefs-dialect=spec"],
            "SpecAttrs.cpp.inc",
        ),
        (&["-gen-op-decls"], "SpecOps.h.inc"),
        (&["-gen-op-defs"], "SpecOps.cpp.inc"),
    ] {
        let status = Command::new(prefix.join("bin/mlir-tblgen"))
            .args(args)
            .arg("cpp/SpecDialect.td")
            .arg("-Icpp")
            .arg("-I")
            .arg(prefix.join("include"))
            .arg("-o")
            .arg(out.join(file))
            .status()
            .expect("mlir-tblgen starts");
        assert!(status.success(), "mlir-tblgen {args:?} failed");
    }
}

fn compile(prefix: &Path, out: &Path) {
    cc::Build::new()
        // libMLIR.so was built by clang: TypeIDs of traits are keyed by __PRETTY_FUNCTION__, which gcc spells differently.
        .compiler(prefix.join("bin/clang++"))
        .cpp(true)
        .std("c++17")
        .include("cpp")
        .include(out)
        .flag("-isystem") // no warnings from LLVM's headers
        .flag(prefix.join("include"))
        .flag("-fno-exceptions")
        .flag("-fno-rtti")
        .flag("-fvisibility-inlines-hidden")
        .define("_GNU_SOURCE", None)
        .define("__STDC_CONSTANT_MACROS", None)
        .define("__STDC_FORMAT_MACROS", None)
        .define("__STDC_LIMIT_MACROS", None)
        .files([
            "cpp/SpecDialect.cpp",
            "cpp/SpecModelOps.cpp",
            "cpp/SpecCAPI.cpp",
            "cpp/PassShim.cpp",
            "cpp/OptMain.cpp",
        ])
        .flag("-Wno-unused-parameter")
        .opt_level(1)
        .debug(false)
        .compile("spec_dialect_cpp");
}

/// Debian ships no libMLIR-C.so, which mlir-sys asks for: a linker script of that name groups the static wrappers of the
/// C API with the shared libraries.
fn link_c_api(prefix: &Path, out: &Path) {
    let lib = prefix.join("lib");
    if !lib.join("libMLIR-C.so").exists() {
        let mut names: Vec<String> = fs::read_dir(&lib)
            .expect("LLVM's lib folder is readable")
            .filter_map(|e| e.ok()?.file_name().into_string().ok())
            .filter(|n| n.starts_with("libMLIRCAPI") && n.ends_with(".a"))
            .collect();
        names.sort();
        let archives: String = names
            .iter()
            .map(|n| format!("  {}\n", lib.join(n).display()))
            .collect();
        let shared = ["libMLIR.so", "libLLVM-22.so"]
            .map(|n| lib.join(n).display().to_string())
            .join("\n  ");
        fs::write(
            out.join("libMLIR-C.so"),
            format!("GROUP(\n{archives}  {shared}\n)\n"),
        )
        .expect("OUT_DIR is writable");
        println!("cargo:rustc-link-search=native={}", out.display());
    }
    println!("cargo:rustc-link-search=native={}", lib.display());
}

//! Compiles the C++ between this crate, MLIR's SPIR-V serializer and SPIRV-Tools, and links SPIRV-Tools.
use std::{env, path::Path, path::PathBuf, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=cpp");
    println!("cargo:rerun-if-env-changed=MLIR_SYS_220_PREFIX");
    let prefix =
        PathBuf::from(env::var("MLIR_SYS_220_PREFIX").unwrap_or("/usr/lib/llvm-22".into()));
    let clang = prefix.join("bin/clang++");
    let Some(tools) = find(&clang, "libSPIRV-Tools.a") else {
        println!(
            "cargo::error=SPIRV-Tools (libSPIRV-Tools.a, Debian's spirv-tools) is not installed, or {} does not start: run scripts/setup.sh",
            clang.display()
        );
        return;
    };
    cc::Build::new()
        // libMLIR.so was built by clang: TypeIDs of traits are keyed by __PRETTY_FUNCTION__, which gcc spells differently.
        .compiler(&clang)
        .cpp(true)
        .std("c++17")
        .flag("-isystem") // no warnings from LLVM's headers
        .flag(prefix.join("include"))
        .flag("-fno-exceptions")
        .flag("-fno-rtti")
        .flag("-fvisibility-inlines-hidden")
        .define("_GNU_SOURCE", None)
        .define("__STDC_CONSTANT_MACROS", None)
        .define("__STDC_FORMAT_MACROS", None)
        .define("__STDC_LIMIT_MACROS", None)
        .file("cpp/Spirv.cpp")
        .flag("-Wno-unused-parameter")
        .opt_level(1)
        .debug(false)
        .compile("spec_codegen_cpp");
    println!(
        "cargo:rustc-link-search=native={}",
        tools.parent().unwrap_or(Path::new("/")).display()
    );
    println!("cargo:rustc-link-lib=static=SPIRV-Tools");
    println!("cargo:rustc-link-lib=stdc++");
}

/// A library in the folders that the compiler links from.
fn find(clang: &Path, library: &str) -> Option<PathBuf> {
    let asked = Command::new(clang)
        .arg(format!("-print-file-name={library}"))
        .output();
    let path = String::from_utf8(asked.ok()?.stdout).ok()?;
    // a library that is not there is printed as it was asked for
    let path = Path::new(path.trim()).canonicalize().ok()?;
    path.is_absolute().then_some(path)
}

//! Kernels on the way from the `gpu` dialect to SPIR-V: goldens and errors of `spec-finish-spirv`, and modules that `codegen::gpu` assembles.

mod goldens;
#[path = "finish_spirv/kernels.rs"]
mod kernels;

use kernels::{Kernel, MALI, PI, body, kernel};
use spec_codegen::gpu::{
    GpuError, Names, assemble, assemble_with, disassemble, listing, requirements, validate,
    with_names,
};
use spec_kernels::gpu::Device;

#[test]
fn goldens_of_finish_spirv() {
    goldens::check("finish_spirv", &["--spec-finish-spirv"]);
}

fn assembled(kernels: &[Kernel], device: &Device) -> Vec<u8> {
    assemble(kernels, device).unwrap_or_else(|e| panic!("{e}"))
}

fn assembly(bytes: &[u8]) -> String {
    disassemble(bytes).unwrap_or_else(|e| panic!("{e}"))
}

/// Why there is no module.
fn refused(kernels: &[Kernel], device: &Device) -> String {
    match assemble(kernels, device) {
        Ok(_) => panic!("a module comes out"),
        Err(e @ GpuError::Refused { .. }) => e.to_string(),
        Err(e) => panic!("another error: {e}"),
    }
}

/// Version, capabilities, extensions.
fn asked(kernels: &[Kernel], device: &Device) -> (String, Vec<String>, Vec<String>) {
    let r = requirements(&assembled(kernels, device)).unwrap_or_else(|e| panic!("{e}"));
    (r.version, r.capabilities, r.extensions)
}

fn count(text: &str, what: &str) -> usize {
    text.lines().filter(|l| l.contains(what)).count()
}

#[test]
fn many_kernels_become_entry_points_of_one_module() {
    let all = [kernel("sum"), kernel("halves"), kernel("bare")];
    for device in [&MALI, &PI] {
        let text = assembly(&assembled(&all, device));
        for (name, size) in [("sum", "64 1 1"), ("halves", "32 2 1"), ("bare", "1 1 1")] {
            let entry = format!("OpEntryPoint GLCompute %{name} \"{name}\"");
            let names = assemble_with(&all, device, SYMBOLS).unwrap_or_else(|e| panic!("{e}"));
            let named = assembly(&names);
            assert_eq!(count(&named, &entry), 1, "{named}");
            assert_eq!(count(&named, &format!("%{name} LocalSize {size}")), 1);
        }
        // two buffers and three, one block of offsets each; numbers start at 0 in each kernel
        let numbers = [("Binding 0", 2), ("Binding 1", 2), ("Binding 2", 1)];
        for (number, n) in numbers {
            assert_eq!(count(&text, number), n, "{number} in\n{text}");
        }
        assert_eq!(count(&text, "DescriptorSet 0"), 5);
        assert_eq!(count(&text, " PushConstant\n"), 0);
        let blocks = text.lines().filter(|l| l.ends_with(" PushConstant"));
        assert_eq!(blocks.count(), 2, "{text}");
    }
}

#[test]
fn hundreds_of_kernels_fit_a_module() {
    let (_, text) = kernel("sum");
    let all: Vec<Kernel> = (0..200).map(|i| (format!("k{i}"), text.clone())).collect();
    let text = assembly(&assembled(&all, &MALI));
    assert_eq!(count(&text, "OpEntryPoint"), 200);
    assert_eq!(count(&text, " Binding "), 400);
}

#[test]
fn modules_ask_for_what_they_use() {
    let small = |s: &[&str]| s.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let plain = ("1.3".to_owned(), small(&["Shader"]), vec![]);
    assert_eq!(asked(&[kernel("bare")], &MALI), plain);
    assert_eq!(asked(&[kernel("sum")], &PI), plain);
    let subgroup = small(&["Shader", "GroupNonUniform"]);
    assert_eq!(asked(&[kernel("halves")], &PI).1, subgroup);
    let stored = small(&["StorageBuffer16BitAccess", "Shader"]);
    assert_eq!(asked(&[kernel("f16_stored")], &MALI).1, stored);
    let added = small(&["StorageBuffer16BitAccess", "Shader", "Float16"]);
    assert_eq!(asked(&[kernel("f16_added")], &MALI).1, added);
    let (version, capabilities, extensions) = asked(&[kernel("i8_stored")], &MALI);
    assert_eq!(version, "1.3");
    assert_eq!(capabilities, small(&["StorageBuffer8BitAccess", "Shader"]));
    assert_eq!(extensions, ["SPV_KHR_8bit_storage"]);
    let dot = small(&["Shader", "DotProduct", "DotProductInput4x8BitPacked"]);
    assert_eq!(asked(&[kernel("dot")], &MALI), ("1.6".into(), dot, vec![]));
}

/// From version 1.4 on, interfaces hold buffers too.
#[test]
fn interfaces_fit_the_version() {
    let interface = |name: &str| {
        let bytes = assemble_with(&[kernel(name)], &MALI, SYMBOLS);
        let text = assembly(&bytes.unwrap_or_else(|e| panic!("{e}")));
        let entry = text.lines().find(|l| l.contains("OpEntryPoint"));
        let words = entry.unwrap_or_default().split_whitespace().skip(4);
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(interface("sum"), ["%__builtin__LocalInvocationId__"]);
    assert_eq!(
        interface("dot"),
        ["%dot_arg_0", "%__builtin__GlobalInvocationId__"]
    );
}

#[test]
fn kernels_that_need_more_than_the_device_has_are_refused_at_their_place() {
    for (name, place, why) in [
        ("f16_stored", "\"f16_stored\":1:", "this device has no f16"),
        ("i8_stored", "\"i8_stored\":1:", "this device has no i8"),
        ("dot", "\"dot\":6:", "spirv.SDot"),
    ] {
        let text = refused(&[kernel("sum"), kernel(name)], &PI);
        assert!(text.contains(place) && text.contains(why), "{text}");
    }
    let half = Device {
        float16: false,
        ..MALI
    };
    assembled(&[kernel("f16_stored")], &half);
    let text = refused(&[kernel("f16_added")], &half);
    assert!(text.contains("\"f16_added\":6:"), "{text}");
    assert!(text.contains("capability Float16"), "{text}");
    let wide = |n: usize| body(&format!("{n}, 1, 1"), "");
    assembled(&[("k".into(), wide(256))], &PI);
    let text = refused(&[("k".into(), wide(512))], &PI);
    assert!(
        text.contains("a workgroup of 512 invocations; the device has 256"),
        "{text}"
    );
    let memory = |n: usize| {
        let lines = format!(
            "%m = memref.alloc() : memref<{n}xf32, 3>
            %c0 = arith.constant 0 : index
            %x = memref.load %m[%c0] : memref<{n}xf32, 3>
            memref.store %x, %b0[%c0] : memref<?xf32>"
        );
        [("k".to_owned(), body("1, 1, 1", &lines))]
    };
    assembled(&memory(4096), &PI);
    let text = refused(&memory(4097), &PI);
    assert!(
        text.contains("16388 bytes of workgroup memory; the device has 16384"),
        "{text}"
    );
    let few = Device { bindings: 2, ..PI };
    assembled(&[kernel("sum")], &few);
    let text = refused(&[kernel("halves")], &few);
    assert!(
        text.contains("a kernel of 3 buffers; the device binds 2"),
        "{text}"
    );
}

#[test]
fn text_that_mlir_does_not_take_is_refused_at_its_place() {
    let text = refused(
        &[("k".into(), body("1, 1, 1", "%x = arith.nothing"))],
        &MALI,
    );
    assert!(text.contains("kernel k is not understood"), "{text}");
    assert!(text.contains("\"k\":3:"), "{text}");
}

const SYMBOLS: Names = Names {
    symbols: true,
    lines: false,
};

#[test]
fn names_and_lines_are_there_when_asked_for() {
    let (name, text) = kernel("sum");
    let named = [(name, with_names(&text, &["x", "total"]))];
    let plain = assembly(&assembled(&named, &MALI));
    assert_eq!(
        count(&plain, "OpName") + count(&plain, "OpLine"),
        0,
        "{plain}"
    );
    let bytes = assemble_with(&named, &MALI, SYMBOLS).unwrap_or_else(|e| panic!("{e}"));
    let text = assembly(&bytes);
    for symbol in ["sum", "sum.x", "sum.total", "sum.offsets"] {
        assert_eq!(
            count(&text, &format!("\"{symbol}\"")),
            1 + usize::from(symbol == "sum")
        );
    }
    assert_eq!(count(&text, "OpLine"), 0);
}

/// Lines are of one text with all kernels.
#[test]
fn lines_are_those_of_the_listing() {
    let all = [kernel("f16_added"), kernel("sum"), kernel("dot")];
    let both = Names {
        lines: true,
        ..SYMBOLS
    };
    let bytes = assemble_with(&all, &MALI, both).unwrap_or_else(|e| panic!("{e}"));
    let text = assembly(&bytes);
    assert_eq!(count(&text, "OpString \"kernels\""), 1, "{text}");
    let listing = listing(&all);
    let source: Vec<&str> = listing.lines().collect();
    let lines: Vec<&str> = text.lines().collect();
    for (i, instruction) in lines.iter().enumerate() {
        let found = [
            ("OpFAdd", "arith.addf"),
            ("OpExtInst %float", "math.exp"),
            ("OpSDot", "spirv.SDot"),
        ];
        if let Some((_, op)) = found.iter().find(|(spirv, _)| instruction.contains(spirv)) {
            let line = lines[i - 1].split_whitespace().nth(2);
            let line: usize = line
                .and_then(|l| l.parse().ok())
                .unwrap_or_else(|| panic!("{}", lines[i - 1]));
            assert!(
                source[line - 1].contains(op),
                "{instruction}: {}",
                source[line - 1]
            );
        }
    }
    assert_eq!(count(&text, "OpFAdd"), 2, "one in each of two kernels");
}

#[test]
fn names_reach_every_argument() {
    let text =
        "gpu.func @KERNEL(%b0: memref<?xvector<4xf32>>, %b1: memref<2xi32, #a<b, c>>) kernel";
    let named = "gpu.func @KERNEL(%b0: memref<?xvector<4xf32>> loc(\"x\"), %b1: memref<2xi32, #a<b, c>> loc(\"offsets\")) kernel";
    assert_eq!(with_names(text, &["x"]), named);
    assert_eq!(with_names(named, &["y"]), named, "a name is kept");
    assert_eq!(
        with_names("gpu.func @KERNEL() kernel", &[]),
        "gpu.func @KERNEL() kernel"
    );
}

#[test]
fn invalid_modules_are_refused() {
    let valid = assembled(&[kernel("sum")], &MALI);
    validate(&valid).unwrap_or_else(|e| panic!("{e}"));
    let with = |at: usize, word: u32| {
        let mut bytes = valid.clone();
        bytes[4 * at..4 * at + 4].copy_from_slice(&word.to_le_bytes());
        bytes
    };
    let planted = [
        (with(0, 0), "magic number"),
        // word 6 is the operand of OpCapability Shader; 6 is Kernel
        (with(6, 6), "Shader"),
        // 1.0, where no storage buffer is
        (with(1, 0x0001_0000), "StorageBuffer"),
        (valid[..valid.len() - 8].to_vec(), "nd"),
    ];
    for (bytes, why) in planted {
        match validate(&bytes) {
            Err(GpuError::Invalid(text)) => assert!(text.contains(why), "{why}: {text}"),
            other => panic!("{why}: {other:?}"),
        }
    }
    for bytes in [&valid[..0], &valid[..21]] {
        let found = validate(bytes);
        assert!(matches!(found, Err(GpuError::Bytes(n)) if n == bytes.len()));
        assert!(disassemble(bytes).is_err());
    }
    assert!(disassemble(&with(0, 0)).is_err());
}

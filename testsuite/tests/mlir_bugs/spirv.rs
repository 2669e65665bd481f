//! The way to SPIR-V: what stock passes do to a kernel, and what `spec_codegen::gpu` makes of it.

use spec_codegen::ffi::Session;
use spec_codegen::gpu::{
    GpuError, Names, assemble, disassemble, parse, pipeline, register, requirements, serialize,
    validate,
};
use spec_kernels::gpu::Device;

const DEVICE: Device = Device {
    invocations: 256,
    shared_bytes: 16384,
    subgroup: 16,
    bindings: 16,
    storage16: true,
    storage8: true,
    float16: true,
    int8: true,
    dot4x8: true,
};

/// A kernel of two buffers with these elements, and of push constants if the lines read them.
fn kernel(first: &str, second: &str, lines: &str) -> [(String, String); 1] {
    let push = match lines.contains("%push") {
        true => ", %push: memref<2xi32, #spirv.storage_class<PushConstant>>",
        false => "",
    };
    let text = format!(
        "gpu.func @KERNEL(%b0: memref<?x{first}>, %b1: memref<?x{second}>{push}) kernel
            attributes {{spirv.entry_point_abi = #spirv.entry_point_abi<workgroup_size = [64, 1, 1]>}} {{
          %c0 = arith.constant 0 : index
          %i = gpu.global_id x
          {lines}
          gpu.return
        }}"
    );
    [("kernel".to_owned(), text)]
}

/// What stock passes alone make of a kernel.
fn stock(kernels: &[(String, String)]) -> Vec<u8> {
    register();
    let session = Session::new();
    let module = parse(&session, kernels).unwrap_or_else(|e| panic!("{e}"));
    pipeline::set_target(module, &DEVICE);
    let passes = "builtin.module(gpu.module(map-memref-spirv-storage-class{client-api=vulkan},canonicalize,convert-math-to-spirv),\
        convert-gpu-to-spirv,spirv.module(spirv-lower-abi-attrs,canonicalize,cse,spirv-update-vce))";
    let ran = session.run(module, passes);
    assert!(ran.is_ok(), "{:?}", session.messages());
    let bytes = serialize(module, Names::default()).unwrap_or_else(|e| panic!("{e}"));
    module.erase();
    bytes
}

fn ours(kernels: &[(String, String)]) -> Vec<u8> {
    assemble(kernels, &DEVICE).unwrap_or_else(|e| panic!("{e}"))
}

fn text(bytes: &[u8]) -> String {
    disassemble(bytes).unwrap_or_else(|e| panic!("{e}"))
}

/// The validator's complaint.
fn complaint(bytes: &[u8]) -> String {
    match validate(bytes) {
        Err(GpuError::Invalid(why)) => why,
        other => panic!("fixed upstream: {other:?}"),
    }
}

/// The lowest version has no such interface of entry points.
#[test]
fn stock_writes_a_version_that_its_interfaces_do_not_fit() {
    let kernels = kernel(
        "f32",
        "f32",
        "%x = memref.load %b0[%i] : memref<?xf32>\nmemref.store %x, %b1[%i] : memref<?xf32>",
    );
    let why = complaint(&stock(&kernels));
    assert!(
        why.contains("OpEntryPoint interfaces must be OpVariables with Storage Class"),
        "{why}"
    );
    let asked = requirements(&ours(&kernels)).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(asked.version, "1.3");
    assert_eq!(asked.capabilities, ["Shader"]);
}

/// Built-ins of subgroups need a capability, which the stock pass looks for in instructions only.
#[test]
fn stock_forgets_the_capability_of_subgroup_builtins() {
    let kernels = kernel(
        "i32",
        "i32",
        "%s = gpu.subgroup_size : index\n%x = arith.index_cast %s : index to i32\nmemref.store %x, %b1[%i] : memref<?xi32>",
    );
    let has = |bytes: &[u8]| text(bytes).contains("OpCapability GroupNonUniform");
    assert!(!has(&stock(&kernels)), "fixed upstream");
    assert!(has(&ours(&kernels)));
}

/// Push constants are no descriptors.
#[test]
fn stock_binds_push_constants() {
    let kernels = kernel(
        "i32",
        "i32",
        "%x = memref.load %push[%c0] : memref<2xi32, #spirv.storage_class<PushConstant>>\nmemref.store %x, %b1[%i] : memref<?xi32>",
    );
    let why = complaint(&stock(&kernels));
    assert!(why.contains("Binding decoration"), "{why}");
    assert_eq!(text(&ours(&kernels)).matches(" Binding ").count(), 2);
}

/// A vector is loaded from scalars through a pointer that is cast, which logical addressing does not allow.
#[test]
fn stock_casts_pointers_to_load_vectors_from_scalars() {
    let load = "%x = vector.load %b0[%i] : memref<?xf32>, vector<4xf32>\nvector.store %x, %b1[%i] : memref<?xf32>, vector<4xf32>";
    let kernels = kernel("f32", "f32", load);
    let found = stock(&kernels);
    assert!(
        text(&found).contains("OpBitcast"),
        "fixed upstream:\n{}",
        text(&found)
    );
    // it never leaves the compiler
    match assemble(&kernels, &DEVICE) {
        Err(GpuError::Invalid(why)) => assert!(why.contains("is not a logical pointer"), "{why}"),
        other => panic!("fixed upstream: {other:?}"),
    }
    // how our kernels say it
    let lines = "%x = memref.load %b0[%i] : memref<?xvector<4xf32>>\nmemref.store %x, %b1[%i] : memref<?xvector<4xf32>>";
    let found = text(&ours(&kernel("vector<4xf32>", "vector<4xf32>", lines)));
    assert!(!found.contains("OpBitcast"), "{found}");
    assert!(found.contains("OpLoad %v4float"), "{found}");
}

/// bf16 in a buffer becomes f32; so do f16 and i8 vectors where a device has none.
#[test]
fn types_that_a_device_lacks_are_refused() {
    let copy = |ty: &str| {
        let lines = format!(
            "%x = memref.load %b0[%i] : memref<?x{ty}>\nmemref.store %x, %b1[%i] : memref<?x{ty}>"
        );
        kernel(ty, ty, &lines)
    };
    let found = text(&stock(&copy("bf16")));
    assert!(
        found.contains("ArrayStride 4") && found.contains("OpLoad %float"),
        "fixed upstream:\n{found}"
    );
    let plain = Device {
        storage16: false,
        storage8: false,
        float16: false,
        int8: false,
        ..DEVICE
    };
    for (ty, device) in [("bf16", &DEVICE), ("f16", &plain), ("vector<4xi8>", &plain)] {
        match assemble(&copy(ty), device) {
            Err(e @ GpuError::Refused { .. }) => {
                assert!(e.to_string().contains("this device has no"), "{ty}: {e}");
            }
            other => panic!("{ty}: {other:?}"),
        }
    }
    // how our kernels read bf16: 16 bits of an f32's upper half
    let lines = "%x = memref.load %b0[%i] : memref<?xi16>\n%w = arith.extui %x : i16 to i32\n%c16 = arith.constant 16 : i32\n%s = arith.shli %w, %c16 : i32\n\
        %f = arith.bitcast %s : i32 to f32\nmemref.store %f, %b1[%i] : memref<?xf32>";
    let found = text(&ours(&kernel("i16", "f32", lines)));
    let words = [
        "ArrayStride 2",
        "OpUConvert %uint",
        "OpShiftLeftLogical",
        "OpBitcast %float",
    ];
    for word in words {
        assert!(found.contains(word), "{word} in\n{found}");
    }
}

/// Loops of which the trips are known at run time only.
const LOOP: &str = "%p = memref.load %push[%c0] : memref<2xi32, #spirv.storage_class<PushConstant>>
    %n = arith.index_cast %p : i32 to index
    %c1 = arith.constant 1 : index
    %ten = arith.constant 10.0 : f32
    %s = scf.for %j = %c0 to %n step %c1 iter_args(%a = %ten) -> f32 {
      %x = memref.load %b0[%j] : memref<?xf32>
      %t = arith.addf %a, %x : f32
      scf.yield %t : f32
    }
    memref.store %s, %b1[%i] : memref<?xf32>";

/// Stores that are executed before it is known whether a loop is entered.
fn stores_before_the_body(assembly: &str) -> usize {
    let entered = assembly.split("OpLoopMerge").next().unwrap_or_default();
    let branch = |l: &&str| l.contains("OpStore");
    entered.lines().filter(branch).count()
}

/// Stock stores the loop's value in its body only; without a trip, what is loaded behind it was never written.
#[test]
fn a_loop_without_trips_has_its_init_in_spirv() {
    let kernels = kernel("f32", "f32", LOOP);
    assert_eq!(
        stores_before_the_body(&text(&stock(&kernels))),
        0,
        "fixed upstream"
    );
    let found = text(&ours(&kernels));
    // the counter and the sum, in the block that every way passes
    assert_eq!(stores_before_the_body(&found), 2, "{found}");
}

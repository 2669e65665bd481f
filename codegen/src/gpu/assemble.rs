//! From the text of kernels to one validated module.

use super::{GpuError, Names, ffi, pipeline, serialize, validate};
use crate::ffi::Session;
use spec_dialect::ffi::{Op, parse_op};
use spec_kernels::gpu::Device;
use std::collections::HashMap;
use std::sync::Once;

/// One SPIR-V module, as bytes, with an entry point for each kernel: its name, and its text with `@KERNEL` in place of the name.
///
/// # Errors
/// [`GpuError::Refused`] for text that MLIR does not take, or that needs what the device lacks; locations name kernel and line.
/// [`GpuError::Invalid`] if the result is not valid, which is our bug.
pub fn assemble(kernels: &[(String, String)], device: &Device) -> Result<Vec<u8>, GpuError> {
    assemble_with(kernels, device, Names::default())
}

/// As [`assemble`], with what debuggers want.
///
/// # Errors
/// As there.
pub fn assemble_with(
    kernels: &[(String, String)],
    device: &Device,
    names: Names,
) -> Result<Vec<u8>, GpuError> {
    register();
    let session = Session::new();
    let module = parse(&session, kernels)?;
    let bytes = lower(&session, module, device).and_then(|()| {
        if names.lines {
            to_listing(module, kernels);
        }
        checked(&session, module, names)
    });
    module.erase();
    bytes
}

/// Registers the passes that lowering needs, once a process. [`assemble`] does; so must who runs the pipeline in a session.
pub fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(spec_dialect::ffi::register_upstream_passes);
    crate::register();
}

/// What the lines of a module that [`assemble_with`] makes count in: a file `kernels` with the texts of all kernels.
pub fn listing(kernels: &[(String, String)]) -> String {
    let texts: Vec<String> = kernels.iter().map(|(n, t)| named(n, t)).collect();
    format!("gpu.module @kernels {{\n{}\n}}\n", texts.join("\n"))
}

/// `text` with the kernel's name.
fn named(name: &str, text: &str) -> String {
    text.replace("@KERNEL", &format!("@{name}"))
}

/// From places in the texts to places in the listing: a SPIR-V module has lines of one file only.
fn to_listing(module: Op, kernels: &[(String, String)]) {
    let mut start = 1; // the line before the first kernel
    let mut starts = HashMap::new();
    for (name, text) in kernels {
        starts.insert(name.as_str(), start);
        start += text.lines().count() as u32 + u32::from(text.ends_with('\n'));
    }
    for op in module.nested() {
        if let Some((file, line, column)) = op.loc().file_line_col()
            && let Some(start) = starts.get(file)
        {
            ffi::set_place(op, LISTING, start + line, column);
        }
    }
}

/// Name of the file that lines count in.
const LISTING: &str = "kernels";

/// A `builtin.module` with a `gpu.module @kernels` of these kernels. Locations are places in a kernel's text, under the kernel's name.
///
/// # Errors
/// [`GpuError::Refused`]: MLIR does not take a kernel's text.
pub fn parse(session: &Session, kernels: &[(String, String)]) -> Result<Op, GpuError> {
    let ctx = session.ctx();
    let refused = |what: String| GpuError::Refused {
        what,
        messages: session.messages(),
    };
    let text = "module attributes {gpu.container_module} { gpu.module @kernels { } }";
    let module = parse_op(ctx, text, LISTING).ok_or_else(|| refused("no module".into()))?;
    let gpu = module.body().and_then(|b| b.ops().first().copied());
    let block = gpu.and_then(Op::body);
    let block = block.ok_or_else(|| refused("a gpu.module without a body".into()))?;
    for (name, text) in kernels {
        match kernel(session, name, text) {
            Some(func) => block.append(func),
            None => {
                module.erase();
                return Err(refused(format!("kernel {name} is not understood")));
            }
        }
    }
    Ok(module)
}

/// A detached `gpu.func`.
fn kernel(session: &Session, name: &str, text: &str) -> Option<Op> {
    let text = named(name, text);
    // only there can a gpu.func be parsed; on one line with the text, so that lines count from its first
    let text =
        format!("module attributes {{gpu.container_module}} {{ gpu.module @m {{ {text}\n}} }}");
    let module = parse_op(session.ctx(), &text, name)?;
    let all = module.nested();
    let func = all.into_iter().find(|o| o.name() == "gpu.func");
    let func = func.map(Op::duplicate);
    module.erase();
    func
}

/// Lowers the kernels of `module` in place, for `device`.
///
/// # Errors
/// [`GpuError::Refused`].
pub fn lower(session: &Session, module: Op, device: &Device) -> Result<(), GpuError> {
    pipeline::set_target(module, device);
    let ran = session.run(module, &pipeline::lower(device));
    ran.map_err(|what| GpuError::Refused {
        what: match what.is_empty() {
            true => "a kernel cannot be lowered for this device".into(),
            false => format!("internal error: {what}"),
        },
        messages: session.messages(),
    })
}

/// [`lower`], [`serialize`] and [`validate`].
///
/// # Errors
/// Theirs.
pub fn lower_and_serialize(
    session: &Session,
    module: Op,
    device: &Device,
    names: Names,
) -> Result<Vec<u8>, GpuError> {
    lower(session, module, device)?;
    checked(session, module, names)
}

fn checked(session: &Session, module: Op, names: Names) -> Result<Vec<u8>, GpuError> {
    let bytes = serialize(module, names).map_err(|e| match e {
        GpuError::Refused { what, .. } => GpuError::Refused {
            what,
            messages: session.messages(),
        },
        other => other,
    })?;
    validate(&bytes)?;
    Ok(bytes)
}

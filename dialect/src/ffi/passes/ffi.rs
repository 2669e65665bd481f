//! Diagnostics, passes, pipelines and mlir-opt's main loop, as the C++ side has them.
#![allow(unsafe_code)]

use super::*;
use std::ffi::{CString, c_char, c_int};

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Severity {
    /// The pass fails.
    Error = 0,
    /// Something the user should know.
    Warning = 1,
    /// Information that was asked for.
    Remark = 2,
}

/// Emits a diagnostic with notes.
pub fn emit(loc: Loc, severity: Severity, message: &str, notes: &[(Loc, String)]) {
    let locs: Vec<MlirLocation> = notes.iter().map(|(l, _)| l.raw()).collect();
    let texts: Vec<MlirStringRef> = notes.iter().map(|(_, t)| sref(t)).collect();
    // SAFETY: the arrays have `notes.len()` elements and outlive the call.
    unsafe {
        specEmit(
            loc.raw(),
            severity,
            sref(message),
            notes.len(),
            locs.as_ptr(),
            texts.as_ptr(),
        )
    }
}

/// The kind of a pass option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum OptionKind {
    /// Text.
    String = 0,
    /// Integer.
    Int = 1,
    /// Boolean.
    Bool = 2,
}

#[repr(C)]
struct RawOption {
    name: MlirStringRef,
    description: MlirStringRef,
    default: MlirStringRef,
    kind: OptionKind,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct RawPassHandle {
    ptr: *mut c_void,
}

#[repr(C)]
struct RawPassDesc {
    argument: MlirStringRef,
    name: MlirStringRef,
    description: MlirStringRef,
    op_name: MlirStringRef,
    dependent_dialects: *const MlirDialectHandle,
    n_dependent_dialects: usize,
    options: *const RawOption,
    n_options: usize,
    create: unsafe extern "C" fn() -> *mut c_void,
    clone: unsafe extern "C" fn(*const c_void) -> *mut c_void,
    destroy: unsafe extern "C" fn(*mut c_void),
    initialize: unsafe extern "C" fn(*mut c_void, RawPassHandle, MlirContext) -> MlirLogicalResult,
    run: unsafe extern "C" fn(*mut c_void, RawPassHandle, MlirOperation) -> MlirLogicalResult,
}

type PipelineSink = unsafe extern "C" fn(*mut c_void, bool, MlirStringRef);

#[repr(C)]
struct RawPipelineDesc {
    argument: MlirStringRef,
    description: MlirStringRef,
    options: *const RawOption,
    n_options: usize,
    expand: unsafe extern "C" fn(*const c_void, MlirStringRef, PipelineSink, *mut c_void),
    user_data: *const c_void,
}

unsafe extern "C" {
    fn mlirGetDialectHandle__spec__() -> MlirDialectHandle;
    fn specDialectInsert(registry: MlirDialectRegistry);
    fn specEmit(
        loc: MlirLocation,
        severity: Severity,
        message: MlirStringRef,
        n: usize,
        locs: *const MlirLocation,
        notes: *const MlirStringRef,
    );
    fn specForeignAdvice(dialect: MlirStringRef) -> MlirStringRef;
    fn specRegisterPass(desc: *const RawPassDesc);
    fn specPassOptionString(p: RawPassHandle, i: usize) -> MlirStringRef;
    fn specPassOptionInt(p: RawPassHandle, i: usize) -> i64;
    fn specPassOptionBool(p: RawPassHandle, i: usize) -> bool;
    fn specRegisterPipeline(desc: *const RawPipelineDesc);
    fn specMlirOptMain(argc: c_int, argv: *mut *mut c_char, name: *const c_char) -> c_int;
}

/// What to run before us on a module of that dialect, if it is a well-known one that upstream MLIR lacks.
pub fn foreign_advice(dialect: &str) -> Option<&'static str> {
    // SAFETY: the answer is a string literal.
    let advice = view(unsafe { specForeignAdvice(sref(dialect)) });
    (!advice.is_empty()).then_some(advice)
}

/// Adds the spec dialect to a C++ `mlir::DialectRegistry`.
///
/// # Safety
/// `registry` must point to a live `mlir::DialectRegistry` of this process's libMLIR.
pub unsafe fn insert_into_registry(registry: *mut c_void) {
    // SAFETY: `MlirDialectRegistry` wraps exactly that pointer.
    unsafe { specDialectInsert(MlirDialectRegistry { ptr: registry }) }
}

/// Registers all upstream passes in MLIR's global registry.
pub fn register_upstream_passes() {
    // SAFETY: no precondition; called before any pipeline is parsed.
    unsafe { mlirRegisterAllPasses() }
}

/// Runs mlir-opt's main loop on `args` (the program's name first); returns its exit code. Once a process.
pub fn mlir_opt_main(args: &[CString], tool: &str) -> i32 {
    let tool = CString::new(tool.replace('\0', "")).unwrap_or_default();
    let mut argv: Vec<*mut c_char> = args.iter().map(|a| a.as_ptr().cast_mut()).collect();
    argv.push(std::ptr::null_mut());
    // SAFETY: argv is null-terminated and, like the strings, outlives the call; LLVM does not write to it.
    unsafe { specMlirOptMain(args.len() as c_int, argv.as_mut_ptr(), tool.as_ptr()) }
}

/// Upstream dialects that our passes create ops of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// arith
    Arith,
    /// bufferization
    Bufferization,
    /// cf
    ControlFlow,
    /// func
    Func,
    /// gpu
    Gpu,
    /// linalg
    Linalg,
    /// llvm
    Llvm,
    /// math
    Math,
    /// memref
    Memref,
    /// ml_program
    MlProgram,
    /// scf
    Scf,
    /// spec
    Spec,
    /// spirv
    SpirV,
    /// tensor
    Tensor,
    /// vector
    Vector,
}

impl Dependency {
    fn handle(self) -> MlirDialectHandle {
        // SAFETY: no precondition.
        unsafe {
            match self {
                Dependency::Arith => mlirGetDialectHandle__arith__(),
                Dependency::Bufferization => mlirGetDialectHandle__bufferization__(),
                Dependency::ControlFlow => mlirGetDialectHandle__cf__(),
                Dependency::Func => mlirGetDialectHandle__func__(),
                Dependency::Gpu => mlirGetDialectHandle__gpu__(),
                Dependency::Linalg => mlirGetDialectHandle__linalg__(),
                Dependency::Llvm => mlirGetDialectHandle__llvm__(),
                Dependency::Memref => mlirGetDialectHandle__memref__(),
                Dependency::Vector => mlirGetDialectHandle__vector__(),
                Dependency::Math => mlirGetDialectHandle__math__(),
                Dependency::MlProgram => mlirGetDialectHandle__ml_program__(),
                Dependency::Scf => mlirGetDialectHandle__scf__(),
                Dependency::Spec => mlirGetDialectHandle__spec__(),
                Dependency::SpirV => mlirGetDialectHandle__spirv__(),
                Dependency::Tensor => mlirGetDialectHandle__tensor__(),
            }
        }
    }
}

/// A pass option.
#[derive(Clone, Copy, Debug)]
pub struct OptionDesc {
    /// Name in textual pipelines.
    pub name: &'static str,
    /// Help text.
    pub help: &'static str,
    /// Kind.
    pub kind: OptionKind,
    /// Default, as text.
    pub default: &'static str,
}

/// What the C++ side needs to know of a pass. One immortal value a pass.
#[derive(Clone, Copy, Debug)]
pub struct PassDesc {
    /// `spec-identify`
    pub argument: &'static str,
    /// `SpecIdentify`
    pub name: &'static str,
    /// Help text.
    pub help: &'static str,
    /// Op the pass runs on; empty for any.
    pub op: &'static str,
    /// Dialects whose ops or attributes the pass creates.
    pub dialects: &'static [Dependency],
    /// Options.
    pub options: &'static [OptionDesc],
}

/// Access to the parsed options of a running pass.
pub struct Options {
    handle: RawPassHandle,
    descs: &'static [OptionDesc],
}

impl Options {
    fn index(&self, name: &str, kind: OptionKind) -> usize {
        let found = self
            .descs
            .iter()
            .position(|o| o.name == name && o.kind == kind);
        found.unwrap_or_else(|| panic!("the pass declares no {kind:?} option '{name}'"))
    }
    /// A string option.
    pub fn string(&self, name: &str) -> String {
        // SAFETY: the handle is the running pass, the index is in range and of this kind.
        view(unsafe { specPassOptionString(self.handle, self.index(name, OptionKind::String)) })
            .into()
    }
    /// An integer option.
    pub fn int(&self, name: &str) -> i64 {
        // SAFETY: as above.
        unsafe { specPassOptionInt(self.handle, self.index(name, OptionKind::Int)) }
    }
    /// A boolean option.
    pub fn bool(&self, name: &str) -> bool {
        // SAFETY: as above.
        unsafe { specPassOptionBool(self.handle, self.index(name, OptionKind::Bool)) }
    }
}

/// The callbacks of a pass; none may unwind (the `pass` module catches panics).
pub trait RawPass: Default + Clone + Send + 'static {
    /// Description.
    const DESC: PassDesc;
    /// Before the first run; false fails the pipeline.
    fn initialize(&mut self, options: &Options, ctx: Ctx) -> bool;
    /// On one op; false fails the pass.
    fn run(&mut self, options: &Options, op: Op) -> bool;
}

unsafe extern "C" fn create<P: RawPass>() -> *mut c_void {
    Box::into_raw(Box::new(P::default())).cast()
}
unsafe extern "C" fn clone<P: RawPass>(p: *const c_void) -> *mut c_void {
    // SAFETY: `p` was made by `create::<P>` or `clone::<P>`.
    Box::into_raw(Box::new(unsafe { &*p.cast::<P>() }.clone())).cast()
}
unsafe extern "C" fn destroy<P: RawPass>(p: *mut c_void) {
    // SAFETY: as above; C++ destroys it once.
    drop(unsafe { Box::from_raw(p.cast::<P>()) })
}
unsafe extern "C" fn initialize<P: RawPass>(
    p: *mut c_void,
    handle: RawPassHandle,
    ctx: MlirContext,
) -> MlirLogicalResult {
    let options = Options {
        handle,
        descs: P::DESC.options,
    };
    // SAFETY: as above; C++ runs one callback at a time on a pass object.
    let ok = unsafe { &mut *p.cast::<P>() }.initialize(&options, Ctx(ctx.ptr));
    MlirLogicalResult { value: ok.into() }
}
unsafe extern "C" fn run<P: RawPass>(
    p: *mut c_void,
    handle: RawPassHandle,
    op: MlirOperation,
) -> MlirLogicalResult {
    let options = Options {
        handle,
        descs: P::DESC.options,
    };
    // SAFETY: as above.
    let ok = unsafe { &mut *p.cast::<P>() }.run(&options, Op(op.ptr));
    MlirLogicalResult { value: ok.into() }
}

fn leak_options(options: &'static [OptionDesc]) -> &'static [RawOption] {
    Vec::leak(
        options
            .iter()
            .map(|o| RawOption {
                name: sref(o.name),
                description: sref(o.help),
                default: sref(o.default),
                kind: o.kind,
            })
            .collect(),
    )
}

/// Registers a pass in MLIR's global registry. Call once per pass type and process.
pub fn register_raw_pass<P: RawPass>() {
    let d = P::DESC;
    let options = leak_options(d.options);
    let dialects: &'static [MlirDialectHandle] =
        Vec::leak(d.dialects.iter().map(|d| d.handle()).collect());
    let desc: &'static RawPassDesc = Box::leak(Box::new(RawPassDesc {
        argument: sref(d.argument),
        name: sref(d.name),
        description: sref(d.help),
        op_name: sref(d.op),
        dependent_dialects: dialects.as_ptr(),
        n_dependent_dialects: dialects.len(),
        options: options.as_ptr(),
        n_options: options.len(),
        create: create::<P>,
        clone: clone::<P>,
        destroy: destroy::<P>,
        initialize: initialize::<P>,
        run: run::<P>,
    }));
    // SAFETY: the descriptor and all it points to are leaked, so they live for ever.
    unsafe { specRegisterPass(desc) }
}

/// Turns the option text of a pipeline into a textual pass pipeline, or an error message.
pub type Expand = fn(&str) -> Result<String, String>;

unsafe extern "C" fn expand(
    user: *const c_void,
    options: MlirStringRef,
    sink: PipelineSink,
    cookie: *mut c_void,
) {
    // SAFETY: `user` is the `Expand` that `register_pipeline` leaked; the sink copies the text.
    unsafe {
        let expand = *user.cast::<Expand>();
        match expand(view(options)) {
            Ok(text) => sink(cookie, true, sref(&text)),
            Err(text) => sink(cookie, false, sref(&text)),
        }
    }
}

/// Registers a named pipeline in MLIR's global registry. Call once per name and process.
pub fn register_pipeline(
    argument: &'static str,
    help: &'static str,
    options: &'static [OptionDesc],
    expander: Expand,
) {
    let options = leak_options(options);
    let user_data: *const Expand = Box::leak(Box::new(expander));
    let desc: &'static RawPipelineDesc = Box::leak(Box::new(RawPipelineDesc {
        argument: sref(argument),
        description: sref(help),
        options: options.as_ptr(),
        n_options: options.len(),
        expand,
        user_data: user_data.cast(),
    }));
    // SAFETY: leaked, as above.
    unsafe { specRegisterPipeline(desc) }
}

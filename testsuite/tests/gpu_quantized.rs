//! Quantised models on a GPU: against the same model on the CPU with the weights that the integers stand for, and bit for bit whatever the
//! number of tokens in a call.

use spec_testsuite::compiled::Compiled;
use spec_testsuite::gpu::CompiledGpu;
use spec_testsuite::modelgen::{
    EXPORTERS, Element, Exporter, Form, ModelSpec, WeightLayout, build,
};
use spec_testsuite::quantized::{M, answers, close, expected, model, same_bits};

struct Case {
    model: ModelSpec,
    options: &'static str,
    tolerance: f64,
}

impl Case {
    /// A case whose only error is the order of sums.
    fn exact(model: ModelSpec, options: &'static str) -> Self {
        Case {
            model,
            options,
            tolerance: 2e-5,
        }
    }
}

fn problem(case: &Case) -> Result<(), String> {
    let model = &case.model;
    let text = build(&Form::DecodeVerify(model.clone(), M)).text;
    let dense = Compiled::new(&text, &[])?;
    let packed = CompiledGpu::new(&text, &["--quantize", case.options])?;
    let run = |function: &str, m: usize| {
        let described = packed.bundle().gpu_function(function);
        let described = &described.map_err(|e| e.to_string())?.described().arguments;
        if described.iter().all(|a| a.quantised_from.is_none()) {
            return Err("nothing is quantised".into());
        }
        let found = answers(model, m, described, |b| packed.call_bytes(function, b))?;
        let expected = expected(model, m, described, |a, t| dense.call(function, a, t, None))?;
        close(&found, &expected, case.tolerance).map_err(|e| format!("{function}: {e}"))?;
        Ok::<_, String>(found)
    };
    if !same_bits(&run("decode", 1)?, &run("verify", M)?) {
        return Err(format!("{M} tokens in a call give other bits than one"));
    }
    Ok(())
}

fn check(cases: Vec<Case>) {
    let problems = cases.iter().filter_map(|case| {
        let problem = problem(case).err()?;
        let (exporter, options) = (case.model.style.exporter, case.options);
        let dtype = case.model.config.dtype.name();
        Some(format!("{exporter:?} of {dtype} with {options}: {problem}"))
    });
    let problems: Vec<String> = problems.collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Sizes that groups of 64 divide as well.
fn wide(exporter: Exporter) -> ModelSpec {
    let mut model = model(exporter);
    model.config.ffn = 128;
    model
}

/// Every format, with weights as the torch exporter has them.
#[test]
fn formats() {
    let formats = [
        "all=i8",
        "all=i8 scales=f32",
        "all=i8g32",
        "all=i8g32 scales=f32",
        "all=i8g64",
        "all=i4g32",
        "all=i4g64",
        "all=i4g32 head=i8g32",
    ];
    check(
        formats
            .map(|f| Case::exact(wide(Exporter::Torch), f))
            .into(),
    );
}

/// Stacked, transposed and shared weights.
#[test]
fn exporters() {
    let of = |exporter| {
        let options = ["all=i8g32", "all=i4g32"];
        options.map(|o| Case::exact(model(exporter), o))
    };
    let mut cases: Vec<Case> = EXPORTERS.into_iter().flat_map(of).collect();
    let mut stacked = model(Exporter::Loop);
    stacked.style.weight_layout = WeightLayout::InOut;
    cases.push(Case::exact(stacked, "all=i4g32"));
    check(cases);
}

/// f16 and bf16 activations, which round more than sums do.
#[test]
fn narrow_activations() {
    let of = |(dtype, tolerance)| {
        ["all=i8", "all=i8g32", "all=i4g32"].map(|options| {
            let mut model = model(Exporter::Torch);
            model.config.dtype = dtype;
            Case {
                model,
                options,
                tolerance,
            }
        })
    };
    let dtypes = [(Element::F16, 1e-2), (Element::BF16, 1e-1)];
    check(dtypes.into_iter().flat_map(of).collect());
}

/// Integer arithmetic changes results, but not with the number of tokens.
#[test]
fn integer_activations() {
    let options = ["all=i8g32 activations=int8", "all=i4g32 activations=int8"];
    let of = |exporter| {
        options.map(|options| Case {
            model: model(exporter),
            options,
            tolerance: 5e-2,
        })
    };
    let exporters = [Exporter::Torch, Exporter::Onnx];
    check(exporters.into_iter().flat_map(of).collect());
}

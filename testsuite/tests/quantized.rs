//! Quantised models as machine code: against the same model with the weights that the integers stand for, and bit for bit whatever
//! the number of tokens in a call and of cores.

use spec_runtime::manifest::QuantFormat;
use spec_runtime::pool::Pool;
use spec_testsuite::compiled::{Compiled, Entry, compile};
use spec_testsuite::harness::{Linking, Machine};
use spec_testsuite::modelgen::{
    EXPORTERS, Element, Exporter, Form, ModelSpec, WeightLayout, build,
};
use spec_testsuite::quantized::{M, answers, close, expected, model, same_bits};

struct Case {
    model: ModelSpec,
    options: &'static str,
    tolerance: f64,
}

fn problem(case: &Case) -> Result<(), String> {
    let model = &case.model;
    let text = build(&Form::DecodeVerify(model.clone(), M)).text;
    let dense = Compiled::new(&text, &[])?;
    let packed = Compiled::new(&text, &["--quantize", case.options])?;
    let described = |function: &str| Ok::<_, String>(&packed.described(function)?.arguments);
    let decode = described("decode")?;
    if decode.iter().all(|a| a.quantised_from.is_none()) {
        return Err("nothing is quantised".into());
    }
    let one = answers(model, 1, decode, |b| packed.call_bytes("decode", b, None))?;
    let expected = expected(model, 1, decode, |a, t| dense.call("decode", a, t, None))?;
    close(&one, &expected, case.tolerance)?;
    let pool = Pool::new(2).map_err(|e| e.to_string())?;
    for pool in [None, Some(&pool)] {
        let verify = described("verify")?;
        let several = answers(model, M, verify, |b| packed.call_bytes("verify", b, pool))?;
        if !same_bits(&several, &one) {
            return Err(format!("{M} tokens in a call give other bits than one"));
        }
    }
    Ok(())
}

fn check(cases: &[Case]) {
    for case in cases {
        if let Err(problem) = problem(case) {
            let (exporter, options) = (case.model.style.exporter, case.options);
            panic!("{exporter:?} with {options}: {problem}");
        }
    }
}

/// Every format, with weights as the torch exporter has them.
#[test]
fn formats() {
    let formats = [
        "all=i8",
        "all=i8g32 scales=f32",
        "all=i4g32",
        "all=i4g32 head=i8g32",
    ];
    let case = |options| Case {
        model: model(Exporter::Torch),
        options,
        tolerance: 1e-5,
    };
    check(&formats.map(case));
}

/// Stacked, transposed and shared weights, f16 and bf16 activations.
#[test]
fn exporters() {
    let mut cases: Vec<Case> = (EXPORTERS.into_iter())
        .map(|exporter| Case {
            model: model(exporter),
            options: "all=i8g32",
            tolerance: 1e-5,
        })
        .collect();
    let mut stacked = model(Exporter::Loop);
    stacked.style.weight_layout = WeightLayout::InOut;
    cases.push(Case {
        model: stacked,
        options: "all=i4g32",
        tolerance: 1e-5,
    });
    for (dtype, tolerance) in [(Element::F16, 1e-2), (Element::BF16, 1e-1)] {
        let mut narrow = model(Exporter::Torch);
        narrow.config.dtype = dtype;
        cases.push(Case {
            model: narrow,
            options: "all=i4g32",
            tolerance,
        });
    }
    check(&cases);
}

/// Integer arithmetic changes results, but not with the number of tokens.
#[test]
fn integer_activations() {
    let case = |options| Case {
        model: model(Exporter::Torch),
        options,
        tolerance: 5e-2,
    };
    check(&["all=i8g32 activations=int8", "all=i4g32 activations=int8"].map(case));
}

/// The same code for Cortex-A55, whose products of integers are SDOT, under qemu.
#[test]
fn cortex_a55_under_qemu() {
    let cases = [
        ("all=i8 scales=f32", 1e-5),
        ("all=i8g32", 1e-5),
        ("all=i4g32", 1e-5),
        ("all=i8g32 activations=int8", 5e-2),
        ("all=i4g32 activations=int8", 5e-2),
    ];
    let model = model(Exporter::Torch);
    let text = build(&Form::DecodeVerify(model.clone(), M)).text;
    let dense = Compiled::new(&text, &[]).expect("compiles");
    for (options, tolerance) in cases {
        if let Err(problem) = cross(&model, &text, &dense, (options, tolerance)) {
            panic!("{options}: {problem}");
        }
    }
}

fn cross(
    model: &ModelSpec,
    text: &str,
    dense: &Compiled,
    (options, tolerance): (&str, f64),
) -> Result<(), String> {
    let folder = compile(text, &["--soc=imx95", "--quantize", options])?;
    let out = folder.path().join("out");
    let mut runs = vec![];
    for (function, m) in [("decode", 1), ("verify", M)] {
        let entry = Entry::new(Machine::Aarch64, Linking::Static, &out, function)?;
        let described = &entry.described().arguments;
        // as many threads as tokens
        let found = answers(model, m, described, |bytes| entry.call_bytes(bytes, m))?;
        let expected = expected(model, m, described, |args, types| {
            dense.call(function, args, types, None)
        })?;
        close(&found, &expected, tolerance).map_err(|e| format!("{function}: {e}"))?;
        runs.push(found);
    }
    if !same_bits(&runs[0], &runs[1]) {
        return Err(format!("{M} tokens in a call give other bits than one"));
    }
    Ok(())
}

/// The manifest says which format a weight has.
#[test]
fn manifest_names_the_format() {
    let text = build(&Form::Single(model(Exporter::Torch))).text;
    let packed = Compiled::new(&text, &["--quantize", "all=i4g32 head=i8g32"]).expect("compiles");
    let functions = &packed.bundle().manifest().functions;
    let formats: Vec<QuantFormat> = (functions[0].arguments.iter())
        .filter_map(|a| a.quantised_from.as_ref().map(|q| q.format))
        .collect();
    let of = |f| formats.iter().filter(|x| **x == f).count();
    let linears_of_two_layers = 14;
    assert_eq!(
        (of(QuantFormat::I4), of(QuantFormat::I8)),
        (linears_of_two_layers, 1)
    );
}

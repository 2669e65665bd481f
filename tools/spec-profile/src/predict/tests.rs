use super::*;
use spec_cost::Architecture;

/// A model on both cores of the host.
pub(crate) fn model(name: &str, dtype: &str, cores: u32) -> Model {
    let architecture = Architecture::load(name).expect("built in");
    Model {
        described: Described {
            model: name.to_owned(),
            unit: "cpu".to_owned(),
            cores,
            dtype: dtype.to_owned(),
            gpu: false,
        },
        shape: ModelShape::from_architecture(&architecture),
    }
}

/// A model with itself as drafter, of another type.
pub(crate) fn pair(drafter: &str, cores: u32) -> Pair {
    Pair {
        bundle: "out".to_owned(),
        target: model("smollm2-135m", "f16", cores),
        drafter: Some(model("smollm2-135m", drafter, cores)),
    }
}

const CSV: &str =
    "target,drafter,mode,task,gamma,alpha_per_token,tokens_per_round,survival_1..gamma
smollm2-135m:f16,smollm2-135m:i4g32,greedy,all,1,0.8,1.8,0.8
smollm2-135m:f16,smollm2-135m:i4g32,greedy,all,2,0.8,2.44,0.8;0.64
smollm2-135m:f16,smollm2-135m:i4g32,greedy,chat,1,0.5,1.5,0.5
smollm2-135m:f16,smollm2-135m:i8,greedy,all,1,0.9,1.9,0.9
";

pub(crate) fn predictor(assumed: Assumed, profile: Option<&str>) -> Predictor {
    Predictor {
        soc: Soc::load("host").expect("built in"),
        profile: profile.map(|t| Profile::parse(t, "p.toml").expect("a profile")),
        assumed,
        sampling: Sampling::Greedy,
        context: (16, 128),
    }
}

fn file(task: Option<&str>) -> Assumed {
    Assumed::File {
        path: "a.csv".to_owned(),
        text: CSV.to_owned(),
        mode: "greedy".to_owned(),
        task: task.map(str::to_owned),
    }
}

#[test]
fn the_pair_of_data_types_decides() {
    let tokens = |drafter, gamma, task| {
        let all = predictor(file(task), None);
        let p = all.predict(&pair(drafter, 2), gamma, Strategy::Sequential);
        p.expect("predicted")
            .expect("with acceptance")
            .tokens_per_round
    };
    assert!((tokens("i4g32", 2, None) - 2.44).abs() < 1e-3);
    assert!((tokens("i4g32", 1, Some("chat")) - 1.5).abs() < 1e-3);
    assert!((tokens("i8", 1, None) - 1.9).abs() < 1e-3);
    let all = predictor(file(None), None);
    let error = all
        .predict(&pair("f16", 2), 1, Strategy::Sequential)
        .expect_err("two series, none of them it");
    assert!(error.to_string().contains("no row matches"), "{error}");
}

#[test]
fn plain_decoding_needs_no_acceptance() {
    let without = predictor(Assumed::Unknown, None);
    let of = |gamma| without.predict(&pair("i4g32", 2), gamma, Strategy::Sequential);
    let plain = of(0).expect("predicted").expect("no acceptance needed");
    assert_eq!(plain.tokens_per_second, plain.plain_tokens_per_second);
    assert_eq!(of(2).expect("no error"), None);
}

#[test]
fn models_have_the_names_of_the_bundle() {
    let mut known = model("smollm2-135m", "f16", 2);
    known.shape.name = "decode".to_owned();
    known.described.model = "a model".to_owned();
    let manifest = serde_json::json!({"format_version": 1, "tool": "t", "soc": "host", "functions": [], "models": [{
        "role": "target", "name": "a model", "layers": 1, "vocabulary": 1, "context": 1, "parameters": 1, "dtype": "f16",
        "shape": known.shape}]});
    let manifest: Manifest = serde_json::from_value(manifest).expect("a manifest");
    let of = |drafter| Pair::new("out", &manifest, known.described.clone(), drafter);
    let pair = of(None).expect("the shape is there");
    let rows = "latency = [{ model = \"a model\", unit = \"cpu\", cores = 2, dtype = \"f16\", m = 1, s = 16, seconds = 0.5 },
        { model = \"a model\", unit = \"cpu\", cores = 2, dtype = \"f16\", m = 1, s = 128, seconds = 0.5 }]";
    let found = predictor(Assumed::Unknown, Some(rows)).predict(&pair, 0, Strategy::Autoregressive);
    let found = found.expect("predicted").expect("no acceptance needed");
    assert!(
        found.measured && (found.tokens_per_second - 2.0).abs() < 0.01,
        "{found:?}"
    );
    let error = of(Some(known.described.clone())).expect_err("no drafter in the manifest");
    assert!(
        error.to_string().contains("no shape of the drafter"),
        "{error}"
    );
}

//! Functions of several widths are one model; two models of equal sizes are told apart by `spec.role` alone, as a model that drafts for
//! itself is exported.

use serde_json::{Value, json};
use spec_testsuite::modelgen::{EXPORTERS, ModelSpec, Support, Weights, catalogue, function_of};
use spec_testsuite::tools::opt_text;

const DRAFTER: [usize; 3] = [1, 2, 8];
const TARGET: [usize; 6] = [1, 2, 3, 4, 5, 9];

/// A module with a function for each width of both roles.
fn self_draft(spec: &ModelSpec) -> String {
    let mut support = Support::default();
    let mut text = String::new();
    // widths of the roles in turns, the widest first: the order says nothing
    let drafters = DRAFTER.iter().rev().map(|m| ("drafter", "d", *m));
    let targets = TARGET.iter().rev().map(|m| ("target", "t", *m));
    let mut all: Vec<_> = drafters.chain(targets).collect();
    all.sort_by_key(|(_, _, m)| std::cmp::Reverse(*m));
    for (role, tag, tokens) in all {
        let attributes = format!("{{spec.role = \"{role}\"}}");
        let config = spec.config.with_tokens(tokens);
        let name = format!("{role}_{tokens}")
            .replace("drafter", "a")
            .replace("target", "b");
        let f = function_of(&name, tag, &attributes, &config, &spec.style);
        text += &f.text;
        support.helpers.extend(f.support.helpers);
        support.globals.extend(f.support.globals);
    }
    let globals: String = support.globals.into_values().collect();
    let helpers: String = support.helpers.into_values().collect();
    format!("module {{\n{globals}{text}{helpers}}}\n")
}

fn models(text: &str, flags: &[&str]) -> Result<Vec<Value>, String> {
    let ran = opt_text(&[flags, &["--report=json"]].concat(), text);
    if ran.code != Some(0) {
        return Err(ran.stderr);
    }
    let report: Value = serde_json::from_str(&ran.stdout).map_err(|e| e.to_string())?;
    Ok(report["models"].as_array().cloned().unwrap_or_default())
}

#[test]
fn widths_are_one_model_and_roles_are_two() {
    let mut failures = vec![];
    let mut tried = 0;
    for (name, mut spec) in EXPORTERS.into_iter().flat_map(catalogue) {
        if spec.style.weights == Weights::Resource {
            continue; // its blobs stand behind the module
        }
        tried += 1;
        spec.config.context = spec.config.context.max(32);
        let found = match models(&self_draft(&spec), &["--spec-identify"]) {
            Ok(models) => models,
            Err(e) => {
                failures.push(format!("{name}: {}", e.lines().next().unwrap_or_default()));
                continue;
            }
        };
        let found: Vec<Value> = found
            .iter()
            .map(|m| json!([m["role"], m["shape"]["entry_tokens"], m["why"]]))
            .collect();
        let expected = [
            json!(["drafter", DRAFTER, "spec.role"]),
            json!(["target", TARGET, "spec.role"]),
        ];
        let mut sorted = found.clone();
        sorted.sort_by_key(|m| m[0].to_string());
        if sorted != expected {
            failures.push(format!("{name}: {found:?}"));
        }
    }
    assert!(tried > 50, "{tried}");
    assert!(
        failures.is_empty(),
        "{} of {tried}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// All of them are placed, each with the role's unit and type.
#[test]
fn every_width_is_placed() {
    let (_, mut spec) = catalogue(EXPORTERS[0]).swap_remove(0);
    spec.config.context = 32;
    let place = "--spec-place=soc=imx95 alpha=0.8 draft-length=3 drafter-dtypes=i4g32 target-dtypes=f16 force-drafter=cpu:2";
    let ran = opt_text(&[place], &self_draft(&spec));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let drafter = "#spec.placement<role = drafter, device = \"cpu\", units = 2, dtype = i4>";
    assert_eq!(ran.stdout.matches(drafter).count(), DRAFTER.len());
    let target = "#spec.placement<role = target, device = \"";
    assert_eq!(ran.stdout.matches(target).count(), TARGET.len());
    assert!(
        ran.stdout
            .contains("draft_length = 3, strategy = sequential")
    );
}

//! The flags that `mlir-opt` does not have. They are taken out of the command line; the rest goes to MLIR as it is.

use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// Shown before mlir-opt's own help.
pub const HELP: &str = "\
spec-opt: mlir-opt with the spec dialect and passes. Its own flags:

  --spec-partition='soc=NAME alpha=A ...'  identify, place and outline (options: see below, or spec-place)
  --drafter=FILE --target=FILE             link two modules first, instead of an input file
  --explain                                the report as text on stderr, the module as usual
  --report=text|json                       the report on stdout; the module only with -o
  --spec-print-graph=FILE.dot              the dataflow graph, for graphviz

Examples:
  spec-opt --spec-partition='soc=imx95 alpha=0.8' --explain model.mlir -o partitioned.mlir
  spec-opt --spec-identify --report=json model.mlir
  spec-opt --drafter d.mlir --target t.mlir --spec-partition='soc=rk3588 acceptance=curve.csv'

All other flags are those of mlir-opt:

";

/// A report was asked for, and no pass writes one.
pub const NO_REPORT: &str = "there is no report without identification: add --spec-partition (or --spec-identify, or a pipeline with one of them)";

/// How to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Text on stderr, beside the module.
    Explain,
    /// Text on stdout, in place of the module.
    Text,
    /// JSON on stdout, in place of the module.
    Json,
}

/// The parsed command line.
#[derive(Debug)]
pub struct Flags {
    /// Whether to report.
    pub report: Option<Report>,
    /// Where the graph goes.
    pub graph: Option<PathBuf>,
    /// Help was asked for.
    pub help: bool,
    /// The version was asked for.
    pub version: bool,
    /// What MLIR's main loop gets.
    pub mlir_args: Vec<CString>,
}

impl Flags {
    /// Splits the command line.
    ///
    /// # Errors
    /// A message for the user.
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut flags = Flags {
            report: None,
            graph: None,
            help: false,
            version: false,
            mlir_args: vec![],
        };
        let (mut drafter, mut target): (Option<OsString>, Option<OsString>) = (None, None);
        let mut rest: Vec<OsString> = vec![];
        let mut args = args.into_iter();
        rest.extend(args.next());
        while let Some(arg) = args.next() {
            let text = arg.to_string_lossy().into_owned();
            let name = text
                .trim_start_matches('-')
                .split('=')
                .next()
                .unwrap_or_default()
                .to_owned();
            if !text.starts_with('-') {
                rest.push(arg);
                continue;
            }
            let value = |args: &mut dyn Iterator<Item = OsString>| match arg
                .as_bytes()
                .iter()
                .position(|b| *b == b'=')
            {
                Some(i) => Ok(OsString::from_vec(arg.as_bytes()[i + 1..].to_vec())),
                None => args.next().ok_or_else(|| format!("--{name} needs a value")),
            };
            match name.as_str() {
                "explain" if text.contains('=') => {
                    return Err("--explain takes no value; leave it out or give it alone".into());
                }
                "explain" => flags.report = Some(flags.report.unwrap_or(Report::Explain)),
                "report" => {
                    flags.report = Some(match value(&mut args)?.to_str() {
                        Some("json") => Report::Json,
                        Some("text") => Report::Text,
                        other => {
                            return Err(format!(
                                "--report must be text or json, got '{}'",
                                other.unwrap_or("bytes that are not UTF-8")
                            ));
                        }
                    });
                }
                "spec-print-graph" => flags.graph = Some(value(&mut args)?.into()),
                "drafter" => drafter = Some(value(&mut args)?),
                "target" => target = Some(value(&mut args)?),
                _ => {
                    flags.help |= name.starts_with("help") || name == "h";
                    flags.version |= name == "version";
                    rest.push(arg);
                }
            }
        }
        if flags.report.is_some() && !flags.help && !flags.version && !identifies(&rest) {
            return Err(NO_REPORT.into());
        }
        link(&mut rest, drafter, target)?;
        let has_output = rest.iter().any(|a| {
            a == "-o" || a.as_bytes().starts_with(b"-o=") || a.as_bytes().starts_with(b"--o=")
        });
        if matches!(flags.report, Some(Report::Text | Report::Json)) && !has_output {
            rest.extend(["-o".into(), "/dev/null".into()]);
        }
        for a in rest {
            flags
                .mlir_args
                .push(CString::new(a.into_vec()).map_err(|_| "an argument holds a zero byte")?);
        }
        Ok(flags)
    }
}

/// Whether a pass that reports may run. A pipeline may name it anywhere, or be in the input (`--run-reproducer`).
fn identifies(args: &[OsString]) -> bool {
    let names = [
        "spec-identify",
        "spec-place",
        "spec-partition",
        "run-reproducer",
    ];
    args.iter().any(|a| {
        let text = a.to_string_lossy();
        names.iter().any(|n| text.contains(n))
    })
}

/// Two input files become a `spec-link` in front of all other passes, on an empty module.
fn link(
    rest: &mut Vec<OsString>,
    drafter: Option<OsString>,
    target: Option<OsString>,
) -> Result<(), String> {
    let Some(target) = target else {
        return match drafter {
            Some(_) => Err("--drafter needs --target: give the larger model as well".into()),
            None => Ok(()),
        };
    };
    if rest.iter().any(|a| {
        a.to_string_lossy()
            .trim_start_matches('-')
            .starts_with("pass-pipeline")
    }) {
        return Err(
            "with --pass-pipeline, link with spec-link{drafter=FILE target=FILE} in the pipeline"
                .into(),
        );
    }
    let takes_value = |a: &OsString| a == "-o";
    let has_input = rest
        .windows(2)
        .any(|w| !w[1].as_bytes().starts_with(b"-") && !takes_value(&w[0]));
    if has_input {
        return Err("--drafter and --target take the place of an input file; leave it out".into());
    }
    let mut option = OsString::from("--spec-link=target=");
    option.push(quoted(&target)?);
    if let Some(d) = drafter {
        option.push(" drafter=");
        option.push(quoted(&d)?);
    }
    rest.insert(1, option);
    rest.push("/dev/null".into()); // an empty module
    Ok(())
}

/// MLIR splits option values at spaces; it takes quotes.
fn quoted(path: &OsString) -> Result<OsString, String> {
    let bytes = path.as_bytes();
    if bytes.iter().any(|b| matches!(b, b'"' | b'\'')) {
        return Err(format!(
            "the path {} holds a quote; rename it",
            path.to_string_lossy()
        ));
    }
    let plain = bytes
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || b"/._-+@%".contains(b));
    Ok(if plain {
        path.clone()
    } else {
        [OsString::from("\""), path.clone(), "\"".into()]
            .into_iter()
            .collect()
    })
}

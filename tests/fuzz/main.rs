//! Every fuzz target with inputs from a mutator, on the stable toolchain: `FUZZ_INPUTS=1000000 cargo test --test fuzz`.
//! `.github/FUZZING.md` explains how to run the targets for a day under cargo-fuzz.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails if a value that it needs is missing"
)]

mod mutate;
mod seeds;
mod targets;
mod verdicts;

use std::panic::{AssertUnwindSafe, catch_unwind};

use mutate::{Random, mutated};
use targets::{TARGETS, Target};

/// The number of inputs for each target, if `FUZZ_INPUTS` is not set.
const INPUTS: usize = 5_000;

fn inputs() -> usize {
    let wanted = std::env::var("FUZZ_INPUTS").ok();
    wanted.map_or(INPUTS, |n| n.parse().unwrap())
}

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|t| t.name == name).unwrap()
}

/// Runs a target with the same inputs in each run, and shows an input that fails.
fn smoke(name: &str) {
    let target = target(name);
    let seeds = seeds::of(target);
    assert!(!seeds.is_empty());
    for seed in &seeds {
        run(target, seed);
    }
    let mut random = Random::named(name);
    for _ in 0..inputs() {
        run(target, &mutated(&mut random, &seeds, target.words));
    }
}

fn run(target: &Target, input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        panic!("{} fails for b\"{}\"", target.name, input.escape_ascii());
    }
}

macro_rules! smoke {
    ($($name:ident)+) => {
        $(
            #[test]
            fn $name() {
                smoke(stringify!($name));
            }
        )+

        #[test]
        fn runs_every_target() {
            let tested = [$(stringify!($name)),+];
            assert!(TARGETS.iter().map(|t| t.name).eq(tested));
        }
    };
}

smoke! { envelope json jsonrpc query form jwt registry_file redirect media_type }

/// Writes the seeds of each target into a folder below `FUZZ_SEEDS`, for cargo-fuzz.
#[test]
fn writes_the_seeds_into_the_folder_fuzz_seeds() {
    let Some(folder) = std::env::var_os("FUZZ_SEEDS") else {
        return;
    };
    for target in TARGETS {
        let folder = std::path::Path::new(&folder).join(target.name);
        std::fs::create_dir_all(&folder).unwrap();
        for (at, seed) in seeds::of(target).iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{at:03}")), seed).unwrap();
        }
    }
}

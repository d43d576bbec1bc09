//! A small mutator with the same inputs in every run, so that a failure can be repeated.

/// The longest input, in bytes.
const MAX_BYTES: usize = 4096;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Random(u64);

impl Random {
    /// A generator seeded with a name.
    pub fn named(name: &str) -> Self {
        let seed = name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        });
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> Option<&'a T> {
        from.get(self.below(from.len())).copied()
    }
}

/// A seed with one to four changes, or sometimes an unchanged seed.
pub fn mutated(random: &mut Random, seeds: &[Vec<u8>], words: &[&[u8]]) -> Vec<u8> {
    let all: Vec<_> = seeds.iter().map(Vec::as_slice).collect();
    let mut input = random.pick(&all).unwrap_or_default().to_vec();
    input.truncate(MAX_BYTES);
    for _ in 0..random.below(5) {
        change(random, &mut input, &all, words);
        input.truncate(MAX_BYTES);
    }
    input
}

fn change(random: &mut Random, input: &mut Vec<u8>, seeds: &[&[u8]], words: &[&[u8]]) {
    let at = random.below(input.len() + 1);
    let long = input.len() - at;
    let some = if random.below(4) == 0 {
        long
    } else {
        long.min(16)
    };
    let end = at + random.below(some + 1);
    match random.below(9) {
        // Insert a word of the format, or overwrite a part with it.
        0..=2 => {
            let word = random.pick(words).unwrap_or_default();
            let end = if random.below(2) == 0 { at } else { end };
            input.splice(at..end, word.iter().copied());
        }
        3 => drop(input.drain(at..end)),
        4 => {
            let copy = input[at..end].to_vec();
            let to = random.below(input.len() + 1);
            input.splice(to..to, copy);
        }
        5 => {
            let byte = random.byte();
            input.insert(at, byte);
        }
        6 if at < input.len() => input[at] = random.byte(),
        7 if at < input.len() => input[at] ^= 1 << random.below(8),
        // Insert a piece of another input.
        _ => {
            let other = random.pick(seeds).unwrap_or_default();
            let from = random.below(other.len() + 1);
            let to = from + random.below((other.len() - from).min(64) + 1);
            input.splice(at..end, other[from..to].iter().copied());
        }
    }
}

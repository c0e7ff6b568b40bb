//! Rust source as tokens: words, `::` and single characters, with their lines. Comments and literals are left out.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    Punctuation,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// The tokens of a source file.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let characters: Vec<char> = source.chars().collect();
    let mut reader = Reader { characters: &characters, at: 0, line: 1 };
    let mut tokens = Vec::new();
    while let Some(first) = reader.peek(0) {
        let line = reader.line;
        if reader.skips_comment_or_literal() {
            continue;
        }
        let mut token = |kind, text| tokens.push(Token { kind, text, line });
        if is_word(first) {
            token(Kind::Word, reader.word());
        } else if first == ':' && reader.peek(1) == Some(':') {
            reader.advance(2);
            token(Kind::Punctuation, "::".into());
        } else if matches!((first, reader.peek(1)), ('-' | '=', Some('>'))) {
            // No bracket closes here.
            reader.advance(2);
        } else {
            reader.advance(1);
            if !first.is_whitespace() {
                token(Kind::Punctuation, first.into());
            }
        }
    }
    tokens
}

struct Reader<'a> {
    characters: &'a [char],
    at: usize,
    line: usize,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, character)| self.peek(ahead) == Some(character))
    }

    fn advance(&mut self, by: usize) {
        let end = (self.at + by).min(self.characters.len());
        self.line += self.characters[self.at..end].iter().filter(|&&character| character == '\n').count();
        self.at = end;
    }

    fn word(&mut self) -> String {
        let begin = self.at;
        while self.peek(0).is_some_and(is_word) {
            self.advance(1);
        }
        self.characters[begin..self.at].iter().collect()
    }

    /// Advances past a comment, a string, a character or a lifetime's tick, if one begins here.
    fn skips_comment_or_literal(&mut self) -> bool {
        if self.starts_with("//") {
            while self.peek(0).is_some_and(|character| character != '\n') {
                self.advance(1);
            }
        } else if self.starts_with("/*") {
            while self.peek(0).is_some() && !self.starts_with("*/") {
                self.advance(1);
            }
            self.advance(2);
        } else if self.starts_with("\"") || self.starts_with("b\"") || self.starts_with("c\"") {
            self.advance(if self.starts_with("\"") { 1 } else { 2 });
            while self.peek(0).is_some_and(|character| character != '"') {
                self.advance(if self.starts_with("\\") { 2 } else { 1 });
            }
            self.advance(1);
        } else if let Some(hashes) = self.raw_string() {
            let end: String = core::iter::once('"').chain(core::iter::repeat_n('#', hashes)).collect();
            while self.peek(0).is_some() && self.peek(0) != Some('"') {
                self.advance(1);
            }
            self.advance(1);
            while self.peek(0).is_some() && !self.starts_with(&end) {
                self.advance(1);
            }
            self.advance(1 + hashes);
        } else if self.starts_with("'") {
            // `'a'` and `'\n'` are characters, `'a` is a lifetime.
            if self.peek(1) == Some('\\') {
                self.advance(3);
                while self.peek(0).is_some_and(|character| character != '\'') {
                    self.advance(1);
                }
                self.advance(1);
            } else {
                self.advance(if self.peek(2) == Some('\'') { 3 } else { 1 });
            }
        } else {
            return false;
        }
        true
    }

    /// How many `#` a raw string has that begins here.
    fn raw_string(&self) -> Option<usize> {
        let prefix = ["r", "br", "cr"].into_iter().find(|prefix| self.starts_with(prefix))?.len();
        let rest = self.characters.get(self.at + prefix..)?;
        let hashes = rest.iter().take_while(|&&character| character == '#').count();
        (self.peek(prefix + hashes) == Some('"')).then_some(hashes)
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

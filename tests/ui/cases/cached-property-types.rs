use std::sync::OnceLock;

use functools::cached_property;

struct Token(u8);

struct Shape {
    width: f64,
    area: OnceLock<f64>,
    token: OnceLock<Token>,
    name: OnceLock<String>,
    later: Option<f64>,
}

impl Shape {
    #[cached_property(self.width)]
    fn in_a_plain_field(&self) -> f64 {
        self.width * 2.0
    }

    #[cached_property(self.later)]
    async fn in_an_option(&self) -> &f64 {
        self.width * 2.0
    }

    #[cached_property(self.token)]
    fn cannot_be_cloned(&self) -> Token {
        Token(1)
    }

    #[cached_property(self.area)]
    fn of_another_type(&self) -> u32 {
        self.width as u32
    }

    #[cached_property(self.area)]
    fn computes_a_reference(&self) -> &f64 {
        &self.width
    }

    #[cached_property(self.area)]
    async fn computes_no_result(&self) -> Result<&f64, String> {
        self.width
    }

    #[cached_property(self.name)]
    async fn computes_another_type(&self) -> &str {
        self.width
    }

    #[cached_property(self.name)]
    fn keeps_no_option(&self) -> Option<&str> {
        None
    }

    #[cached_property(self.missing)]
    fn in_a_missing_field(&self) -> f64 {
        self.width
    }
}

fn main() {}

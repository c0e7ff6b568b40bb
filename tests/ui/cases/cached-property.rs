use std::sync::OnceLock;

use functools::cached_property;

struct Shape {
    width: f64,
    area: OnceLock<f64>,
}

impl Shape {
    #[cached_property]
    fn no_field(&self) -> f64 {
        self.width
    }

    #[cached_property(area)]
    fn no_self(&self) -> f64 {
        self.width
    }

    #[cached_property("area")]
    fn a_string(&self) -> f64 {
        self.width
    }

    #[cached_property(&self.area)]
    fn a_reference(&self) -> &f64 {
        self.width
    }

    #[cached_property(field = self.area)]
    fn a_named_field(&self) -> &f64 {
        self.width
    }

    #[cached_property(Shape::cell())]
    fn not_in_the_object(&self) -> &f64 {
        self.width
    }

    #[cached_property(self.area, self.width)]
    fn two_fields(&self) -> &f64 {
        self.width
    }

    #[cached_property(self.area, ttl = 60)]
    fn with_an_option(&self) -> &f64 {
        self.width
    }

    #[cached_property(self.area)]
    fn with_an_argument(&self, scale: f64) -> f64 {
        self.width * scale
    }

    #[cached_property(self.area)]
    fn changes(&mut self) -> &f64 {
        self.width
    }

    #[cached_property(self.area)]
    fn takes_itself(self) -> f64 {
        self.width
    }

    #[cached_property(self.area)]
    fn returns_a_mut(&self) -> &mut f64 {
        self.width
    }

    #[cached_property(self.area)]
    fn returns_nothing(&self) {}

    #[cached_property(self.area)]
    fn returns_a_future(&self) -> impl Future<Output = f64> {
        std::future::ready(self.width)
    }

    #[cached_property(self.area)]
    fn returns_an_impl(&self) -> impl Copy {
        self.width
    }

    #[cached_property(self.area)]
    const fn is_const(&self) -> f64 {
        self.width
    }
}

#[cached_property(self.area)]
fn no_method() -> f64 {
    1.0
}

#[cached_property(self.area)]
struct NoFunction {
    area: OnceLock<f64>,
}

fn main() {}

use functools::lru_cache;

mod area {
    pub const UNIT: u32 = 1;
}

#[lru_cache]
fn area(width: u32, height: u32) -> u32 {
    width * height
}

fn main() {
    area(area::UNIT, 2);
}

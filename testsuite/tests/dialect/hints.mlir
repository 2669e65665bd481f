// What a user may say: the role of a function, upper bounds of an argument's sizes.
module {
  func.func private @draft(tensor<?x8xf32> {spec.bounds = array<i64: 64, 8>}) attributes {spec.role = "drafter"}
  func.func private @verify(tensor<?x?xf32> {spec.bounds = array<i64: 1, 9223372036854775807>}, tensor<f32> {spec.bounds = array<i64>}) attributes {spec.role = "target"}
}

/**
 * Lower-triangular factors, row by row in one array of a fixed stride, so that a point can be appended in O(n²).
 * Indices are in bounds by construction: `as number` says so without costing a check in the innermost loops.
 */

/** Factorises the symmetric matrix in the lower triangle of `a` in place. False when it is not positive definite. */
export function factorise(a: Float64Array, n: number, stride: number): boolean {
  for (let i = 0; i < n; i++) if (!factoriseRow(a, i, stride)) return false;
  return true;
}

/** Turns row `i` of the matrix into row `i` of the factor, all rows above being factor rows already. */
export function factoriseRow(a: Float64Array, i: number, stride: number): boolean {
  const row = i * stride;
  for (let j = 0; j < i; j++) {
    const other = j * stride;
    let sum = a[row + j] as number;
    for (let k = 0; k < j; k++) sum -= (a[row + k] as number) * (a[other + k] as number);
    a[row + j] = sum / (a[other + j] as number);
  }
  let pivot = a[row + i] as number;
  for (let k = 0; k < i; k++) pivot -= (a[row + k] as number) ** 2;
  if (!(pivot > 1e-12)) return false;
  a[row + i] = Math.sqrt(pivot);
  return true;
}

/** Solves L x = b in place. */
export function solveLower(l: Float64Array, n: number, stride: number, b: Float64Array): void {
  for (let i = 0; i < n; i++) {
    const row = i * stride;
    let sum = b[i] as number;
    for (let k = 0; k < i; k++) sum -= (l[row + k] as number) * (b[k] as number);
    b[i] = sum / (l[row + i] as number);
  }
}

/** Solves Lᵀ x = b in place. */
export function solveUpper(l: Float64Array, n: number, stride: number, b: Float64Array): void {
  for (let i = n - 1; i >= 0; i--) {
    const row = i * stride;
    const x = (b[i] as number) / (l[row + i] as number);
    b[i] = x;
    for (let k = 0; k < i; k++) b[k] = (b[k] as number) - (l[row + k] as number) * x;
  }
}

/** The inverse of L Lᵀ, its lower triangle, in `out` (stride n). */
export function invertFactor(l: Float64Array, n: number, stride: number, out: Float64Array): void {
  const inverse = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    inverse[j * n + j] = 1 / (l[j * stride + j] as number);
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= (l[i * stride + k] as number) * (inverse[j * n + k] as number);
      // Transposed, so that the innermost loops run along rows.
      inverse[j * n + i] = sum / (l[i * stride + i] as number);
    }
  }
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += (inverse[i * n + k] as number) * (inverse[j * n + k] as number);
      out[i * n + j] = sum;
    }
}

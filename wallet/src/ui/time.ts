/** Unix seconds, by this device. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

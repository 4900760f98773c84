/** Whether only this machine can reach an address. The engine decides; this only asks the question in time. */
export function isLoopback(address: string): boolean {
  return /^127(\.\d{1,3}){3}$/.test(address) || address === "::1";
}

// jStat carries no types; these are the two inverse distribution functions that statistics.ts asks for.

declare module 'jstat' {
  type Jstat = {
    /** Student's t: the value below which a share `p` lies. */
    readonly studentt: { inv(p: number, degreesOfFreedom: number): number };
    readonly beta: { inv(p: number, alpha: number, beta: number): number };
  };
  const module: { readonly jStat: Jstat };
  export default module;
}

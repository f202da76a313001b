export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A piece of work that traces show, with the pieces inside it. */
export interface Span {
  /** Does `work` as a piece inside this one; what it throws is recorded and thrown on. */
  child<T>(name: string, attributes: Attributes, work: (span: Span) => Promise<T>): Promise<T>;
  set(attributes: Attributes): void;
  /** Marks the work as failed, with the reason. */
  fail(reason: string): void;
}

/** Shows nothing: what every tick works with unless traces are asked for. */
export const NO_SPAN: Span = {
  child: (_name, _attributes, work) => work(NO_SPAN),
  set: () => {},
  fail: () => {},
};

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { metricsLines } from '../../src/trial/metrics-lines.ts';
import { outputTail } from '../../src/trial/output.ts';

const line = fc.oneof(
  fc.dictionary(fc.string(), fc.oneof(fc.double(), fc.string(), fc.boolean())).map((o) => JSON.stringify(o)),
  fc.record({ step: fc.nat(), throughput: fc.double({ noNaN: true }) }).map((o) => JSON.stringify(o)),
  fc.constantFrom(
    '',
    '  ',
    'junk',
    '[]',
    'null',
    '{"throughput": 1e999}',
    '{"step": "x"}',
    '{"__proto__": 5}',
  ),
);

test('however the text is cut into pieces, the same is read from it', () => {
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat({ max: 40 })), (lines, cuts) => {
      const text = lines.join('\n');
      const whole = metricsLines();
      whole.add(text);
      whole.end();
      const pieces = metricsLines();
      let rest = text;
      for (const cut of cuts) {
        pieces.add(rest.slice(0, cut));
        rest = rest.slice(cut);
      }
      pieces.add(rest);
      pieces.end();
      expect(pieces.metrics()).toEqual(whole.metrics());
      expect(pieces.steps()).toEqual(whole.steps());
      expect(pieces.problem(['throughput'])).toBe(whole.problem(['throughput']));
    }),
  );
});

test('whatever an evaluator writes, only finite numbers are metrics, and a result has every required one', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(line, fc.string())), (lines) => {
      const read = metricsLines();
      read.add(`${lines.join('\n')}\n`);
      const metrics = read.metrics();
      for (const value of Object.values(metrics)) expect(Number.isFinite(value)).toBe(true);
      if (read.problem(['throughput']) === null) expect(metrics).toHaveProperty('throughput');
      expect(({} as Record<string, unknown>).throughput).toBeUndefined();
    }),
  );
});

test('a metric by the name of a prototype is a metric like any other', () => {
  const read = metricsLines();
  read.add('{"__proto__": 1, "constructor": 2}\n');
  expect(Object.entries(read.metrics())).toEqual([
    ['__proto__', 1],
    ['constructor', 2],
  ]);
  expect(read.problem(['__proto__', 'constructor'])).toBeNull();
  expect(read.problem(['toString'])).toBe('metric toString is missing');
});

test('a flood of steps is told on, and kept in part', () => {
  const read = metricsLines();
  const fresh = read.add(Array.from({ length: 5000 }, (_, n) => `{"step": ${n}}\n`).join(''));
  expect(fresh.length).toBe(5000);
  expect(read.steps().length).toBe(1000);
});

test('the end of what is printed is kept, at most 4 KiB, in whole characters and without control characters', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 3000 }), { maxLength: 8 }), (parts) => {
      const tail = outputTail();
      for (const part of parts) tail.add(Buffer.from(part));
      const text = tail.text();
      expect(tail.total).toBe(Buffer.byteLength(parts.join('')));
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096);
      expect(text).not.toContain('\ufffd');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what may not be there
      expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    }),
  );
  const tail = outputTail();
  tail.add(Buffer.from('\u001b[31mred\u001b[0m\r\nnext\tline\u0007 '));
  tail.add(Buffer.from([0xff, 0xe2, 0x82]));
  expect(tail.text()).toMatch(/^red\nnext\tline \ufffd+$/);
});

import { describe, expect, it } from 'vitest';
import { createAskTellSession } from '../../src/dream/ask-tell.ts';

const INIT = {
  op: 'init',
  space: [
    { name: 'x', type: 'float', low: 0, high: 1, log: false },
    { name: 'n', type: 'int', low: 1, high: 64, log: true },
    { name: 'c', type: 'cat', choices: ['a', 'b'] },
    { name: 'm', type: 'float', low: 0, high: 1, when: { c: ['a'] } },
  ],
  directions: ['min'],
  budget: 200,
  seed: 1,
  noise: false,
  parallel: 1,
};

function session() {
  const answer = createAskTellSession();
  return (request: unknown) =>
    JSON.parse(answer(typeof request === 'string' ? request : JSON.stringify(request))) as Record<
      string,
      never
    >;
}

describe('an ask/tell session', () => {
  it('searches: init, ask, tell, recommend', () => {
    const send = session();
    expect(send(INIT)).toEqual({ ok: true });
    let best = Infinity;
    for (let i = 0; i < 30; i++) {
      const { id, params } = send({ op: 'ask' }) as unknown as { id: number; params: Record<string, number> };
      expect(id).toBe(i);
      expect('m' in params).toBe(params.c === ('a' as unknown));
      const loss = Math.abs((params.x ?? 0) - 0.3) + (params.m ?? 1);
      best = Math.min(best, loss);
      expect(send({ op: 'tell', id, values: [loss] })).toEqual({ ok: true });
    }
    expect(send({ op: 'recommend' })).toMatchObject({ estimate: [best] });
    expect(send({ op: 'state' })).toMatchObject({ asked: 30, told: 30 });
    expect(best).toBeLessThan(0.2);
  });

  it('may ask several times before it tells, in any order', () => {
    const send = session();
    send(INIT);
    for (let i = 0; i < 4; i++) send({ op: 'ask' });
    for (const id of [2, 0, 3, 1]) expect(send({ op: 'tell', id, values: [id] })).toEqual({ ok: true });
    expect(send({ op: 'recommend' })).toMatchObject({ estimate: [0] });
  });

  it('takes failures and values that are no numbers as failed trials', () => {
    const send = session();
    send(INIT);
    for (let i = 0; i < 3; i++) send({ op: 'ask' });
    expect(send({ op: 'tell', id: 0, failed: true })).toEqual({ ok: true });
    expect(send('{"op":"tell","id":1,"values":[NaN]}')).toEqual({ ok: true });
    expect(send('{"op":"tell","id":2,"values":[-Infinity]}')).toEqual({ ok: true });
    expect(send({ op: 'recommend' })).toEqual({ params: null });
  });

  it('answers a bad line with an error and goes on', () => {
    const send = session();
    expect(send({ op: 'ask' })).toMatchObject({ code: 'KLR_E_SEARCH_INVALID' });
    send(INIT);
    const first = { id: 0 };
    expect(send({ op: 'ask' })).toMatchObject(first);
    for (const [line, code] of [
      ['{bad', 'KLR_E_SEARCH_INVALID'],
      ['7', 'KLR_E_SEARCH_INVALID'],
      ['{"op":"zap"}', 'KLR_E_SEARCH_INVALID'],
      ['{"op":"tell","id":5,"values":[1]}', 'KLR_E_TELL_UNKNOWN'],
      ['{"op":"tell","id":0,"values":[1,2]}', 'KLR_E_TELL_INVALID'],
      ['{"op":"tell","id":0}', 'KLR_E_TELL_INVALID'],
      [JSON.stringify({ ...INIT, budget: 0 }), 'KLR_E_SEARCH_INVALID'],
      [JSON.stringify({ ...INIT, space: [] }), 'KLR_E_SEARCH_INVALID'],
      [
        JSON.stringify({ ...INIT, space: [{ name: 'x', type: 'int', low: 2, high: 1 }] }),
        'KLR_E_SPACE_EMPTY',
      ],
      [JSON.stringify({ ...INIT, constraints: ['x > 3.0'] }), 'KLR_E_SPACE_EMPTY'],
      [JSON.stringify({ ...INIT, constraints: ['x >'] }), 'KLR_E_CONFIG_INVALID'],
    ] as const)
      expect([line, send(line)]).toEqual([line, { error: expect.any(String), code }]);
    expect(send({ op: 'tell', id: 0, values: [1] })).toEqual({ ok: true });
    expect(send({ op: 'tell', id: 0, values: [1] })).toMatchObject({ code: 'KLR_E_TELL_UNKNOWN' });
    expect(send({ op: 'ask' })).toMatchObject({ id: 1 });
  });
});

import { gzipSync } from 'zlib';

import { Replies, RequestError } from './replies';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('an answer in several parts is put together', async () => {
  const replies = new Replies();
  const answer = replies.expect<{ a: string }>('1');
  const text = bytes('{"a": "ä"}');
  replies.receive({ id: '1', ok: true, part: 0, parts: 2 }, [text.slice(0, 8)]);
  replies.receive({ id: '1', ok: true, part: 1, parts: 2 }, [text.slice(8)]);
  await expect(answer).resolves.toEqual({ a: 'ä' });
  expect(replies.size).toBe(0);
});

test('a compressed answer is read', async () => {
  const replies = new Replies();
  const answer = replies.expect<number[]>('1');
  replies.receive({ id: '1', ok: true, encoding: 'gzip' }, [gzipSync('[1, 2]')]);
  await expect(answer).resolves.toEqual([1, 2]);
});

test('an error says what the kernel said', async () => {
  const replies = new Replies();
  const answer = replies.expect('1');
  replies.receive({ id: '1', ok: false, error: { kind: 'NotFoundError', message: 'no x' } }, []);
  await expect(answer).rejects.toEqual(new RequestError('NotFoundError', 'no x'));
});

test('answers to somebody else are left alone, and lost requests fail', async () => {
  const replies = new Replies();
  const answer = replies.expect('1');
  replies.receive({ id: '2', ok: true }, [bytes('1')]);
  expect(replies.size).toBe(1);
  replies.fail('The kernel was restarted.');
  await expect(answer).rejects.toThrow('The kernel was restarted.');
});

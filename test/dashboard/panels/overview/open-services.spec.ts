import { isOpenIn, toggled } from '../../../../lib/dashboard/panels/overview/view/open-services.js';

/** The query after a press. */
function press(query: URLSearchParams, service: string, opensItself: boolean): URLSearchParams {
  const pressed = new URLSearchParams(query);
  for (const [name, values] of Object.entries(toggled(query, service, opensItself))) {
    pressed.delete(name);
    for (const value of values as readonly string[]) pressed.append(name, value);
  }
  return pressed;
}

describe('the services that are open', () => {
  it('are those that the address names, several at a time', () => {
    const one = press(new URLSearchParams('range=1h'), 'orders', false);
    const two = press(one, 'a&b', false);
    expect(two.toString()).toBe('range=1h&open=orders&open=a%26b');
    expect([isOpenIn(two, 'orders', false), isOpenIn(two, 'a&b', false), isOpenIn(two, 'a', false)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(press(two, 'orders', false).toString()).toBe('range=1h&open=a%26b');
  });

  it('are the only one, until it is closed, and it stays closed when another one comes', () => {
    const none = new URLSearchParams();
    expect(isOpenIn(none, 'orders', true)).toBe(true);
    const closed = press(none, 'orders', true);
    expect(isOpenIn(closed, 'orders', true)).toBe(false);
    expect(isOpenIn(closed, 'orders', false)).toBe(false);
    expect(press(closed, 'orders', true).toString()).toBe('');
    // Opened while there was another one, and now alone.
    const opened = press(none, 'orders', false);
    expect(isOpenIn(press(opened, 'orders', true), 'orders', true)).toBe(false);
  });
});

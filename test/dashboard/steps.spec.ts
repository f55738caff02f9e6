import { Portion } from '../../lib/dashboard/steps.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('what is asked of the database at once', () => {
  it('becomes less after a call that took long and more after a short one, up to its maximum', () => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(0);
    const portion = new Portion(100, 300);
    const take = (milliseconds: number): number => {
      const size = portion.begin();
      now.mockReturnValue(performance.now() + milliseconds);
      portion.end();
      return size;
    };
    expect([20, 20, 1.5, 0.1, 0.1, 0.1, 0.1, 0.1].map(take)).toEqual([100, 50, 25, 25, 50, 100, 200, 300]);
    for (let call = 0; call < 20; call += 1) take(20);
    expect(portion.begin()).toBe(1);
  });
});

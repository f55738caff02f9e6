import { Component, h, type FunctionComponent } from 'preact';

function differs(a: object, b: object): boolean {
  const before = Object.entries(a);
  const after = new Map(Object.entries(b));
  return before.length !== after.size || before.some(([key, value]) => after.get(key) !== value);
}

/** A component that renders again only when one of its properties is another one: for rows, of which many stay as they are. */
export function memo<Props extends object>(render: FunctionComponent<Props>) {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      return differs(this.props, next);
    }

    override render() {
      return h(render, this.props);
    }
  };
}

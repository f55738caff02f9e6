import './language.js';

import { render } from 'preact';

import { App } from './app.js';
import { takeTokenFromAddress } from './token.js';

takeTokenFromAddress();
const root = document.getElementById('app');
if (root) {
  root.textContent = '';
  render(<App />, root);
}

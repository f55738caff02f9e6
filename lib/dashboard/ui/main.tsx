import { render } from 'preact';

const root = document.getElementById('app');
if (root) render(<p class="notice">The page is being built.</p>, root);

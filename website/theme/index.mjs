import './wide.css';

import DefaultTheme from 'vitepress/theme';

export default DefaultTheme;

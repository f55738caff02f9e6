import './language.js';

import { render } from 'preact';

import type { OverviewApi } from '../panels/overview/query.js';
import { App } from './app.js';
import { clientOf, signInByAddress } from './client.js';
import { learnAboutDatabase } from './database.js';
import { loadOtherViews, loadView, panelOf } from './loaded-view.js';
import { knowsServices, meetServices } from './parts/service-colour.js';
import { readPlace } from './state.js';

const overviewApi = clientOf<OverviewApi>();

/** Longer than the application takes to answer; shorter than a reader's patience. */
const LONGEST_WAIT_MS = 300;

/** Before anything of them is shown, or which view is opened first would decide about colours. */
async function meetAllServices(): Promise<void> {
  try {
    const services = await overviewApi.get('services', {}, AbortSignal.timeout(LONGEST_WAIT_MS));
    meetServices(services.map(({ name }) => name));
  } catch {
    // The view asks again, and says what is wrong.
  }
}

async function start(): Promise<void> {
  await signInByAddress();
  const panel = panelOf(readPlace().path);
  // Where it cannot be loaded, the page says so in place of the view.
  const loading = panel && loadView(panel).catch(() => undefined);
  await Promise.all([knowsServices() || meetAllServices(), learnAboutDatabase(), loading]);
  const root = document.getElementById('app');
  if (!root) return;
  root.textContent = '';
  render(<App />, root);
  void loadOtherViews();
}

void start();

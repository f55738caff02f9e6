/**
 * Gives the browser a language that exists where its own does not: uPlot asks for number formats of it while it is loaded, and a browser
 * started without a locale (`LANG=C`) names itself `en-US@posix`, which no format knows. To be imported before uPlot.
 */
function hasLanguage(): boolean {
  try {
    return Intl.getCanonicalLocales(navigator.language).length > 0;
  } catch {
    // Not a language tag.
    return false;
  }
}

if (!hasLanguage()) Object.defineProperty(navigator, 'language', { value: 'en', configurable: true });

export {};

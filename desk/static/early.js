// Before the first paint: the theme this browser has chosen, whose keys are shown, and the zone it lives in, for times.
(() => {
  const theme = localStorage.getItem("amends-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  if (/Mac|iPhone|iPad/.test(navigator.platform)) document.documentElement.classList.add("mac");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes(`amends_zone=${zone}`)) {
    document.cookie = `amends_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  }
})();

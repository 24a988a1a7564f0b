// The one script a page names; the modules below it are loaded once each, by their plain names.
import "./desk.js";
import "./keys.js";
import "./composer.js";
import "./live.js";

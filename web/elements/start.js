// Comes last: the frame begins to draw as soon as it is defined, and by then every page must be known.

import { define } from "../ui/element.js";
import { KsApp } from "./app.js";

define("ks-app", KsApp);

// Shows the description of the API, /openapi.json, with Swagger UI.

import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";

SwaggerUI({ url: "/openapi.json", dom_id: "#api", deepLinking: true, docExpansion: "list" });

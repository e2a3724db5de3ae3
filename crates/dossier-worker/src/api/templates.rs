//! Versions of services' templates.

use bytes::Bytes;
use dossier_core::wire::{
    ResolveTemplate, ResolvedTemplate, ServiceTemplateView, TemplateVersionView, ValidTemplateView,
};
use dossier_core::{LeaseToken, RequestId, ServiceId, ServiceName, Sha256Hex};
use http::Method;
use reqwest::multipart::{Form, Part};

use super::{ANSWER_MAX, ApiClient, ApiError, once, read, repeat};

impl ApiClient {
    /// Registers a version of a service's template; answers the version that has these bytes, which
    /// may be one that is there already.
    pub async fn register_template(
        &self,
        service: ServiceId,
        template: Vec<u8>,
    ) -> Result<TemplateVersionView, ApiError> {
        let path = ["api", "templates", "service", &service.to_string()];
        let call = self.call(Method::POST, &path).multipart(form(template));
        read(once(call, ANSWER_MAX).await?)
    }

    /// Checks a template without registering it.
    pub async fn validate_template(
        &self,
        template: Vec<u8>,
    ) -> Result<ValidTemplateView, ApiError> {
        let call = self.call(Method::POST, &["api", "templates", "validate"]);
        read(once(call.multipart(form(template)), ANSWER_MAX).await?)
    }

    /// All versions of a service's template, newest first.
    pub async fn template_versions(
        &self,
        service: ServiceId,
    ) -> Result<Vec<TemplateVersionView>, ApiError> {
        let path = ["api", "templates", "service", &service.to_string()];
        read(repeat(self.call(Method::GET, &path)).await?)
    }

    /// The bytes of a version, as they were registered.
    pub async fn template(&self, service: ServiceId, version: u32) -> Result<Bytes, ApiError> {
        let (service, version) = (service.to_string(), version.to_string());
        let path = ["api", "templates", "service", &service, &version];
        repeat(self.call(Method::GET, &path)).await
    }

    /// How the templates of the services are, by name.
    pub async fn template_health(&self) -> Result<Vec<ServiceTemplateView>, ApiError> {
        let path = ["api", "templates", "health"];
        read(repeat(self.call(Method::GET, &path)).await?)
    }

    /// The version that a service serves, given the digest of what it served: for the holder of the
    /// request's lease. A pending version is published by this, and a repeat answers the same. For
    /// what is not registered see [`ApiError::is_template_unregistered`].
    pub async fn resolve_template(
        &self,
        id: RequestId,
        service: &ServiceName,
        token: LeaseToken,
        sha256: &Sha256Hex,
    ) -> Result<ResolvedTemplate, ApiError> {
        let body = ResolveTemplate {
            lease_token: token,
            sha256: sha256.to_string(),
        };
        let path = ["services", service.as_str(), "template"];
        let call = self.request_call(Method::POST, id, &path).json(&body);
        read(repeat(call).await?)
    }
}

fn form(template: Vec<u8>) -> Form {
    Form::new().part("file", Part::bytes(template).file_name("template.hbs"))
}

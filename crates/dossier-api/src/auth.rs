//! Who calls, and what they may do: the one place for authentication.
//!
//! An [`Authenticator`] turns the bearer token of a call (RFC 6750) into a [`Principal`] with roles.
//! A handler names the roles that may call it by its first argument, `Caller`; it is checked
//! before anything of the call's body is read. Another way to authenticate changes this file only.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::api::Api;
use crate::problem::{ApiError, Kind};

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Make requests and fetch reports: `SAR_USER_ACCESS`.
    UserAccess,
    /// Work on requests: `SAR_DATA_ACCESS`.
    DataAccess,
    /// Look after requests and services: `SAR_SUPPORT`.
    Support,
    /// Restart and cancel requests, change services: `SAR_ADMIN_ACCESS`.
    AdminAccess,
    /// Register templates: `SAR_REGISTER_TEMPLATE`.
    RegisterTemplate,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [
        Self::UserAccess,
        Self::DataAccess,
        Self::Support,
        Self::AdminAccess,
        Self::RegisterTemplate,
    ];

    /// The role's name in tokens and in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserAccess => "SAR_USER_ACCESS",
            Self::DataAccess => "SAR_DATA_ACCESS",
            Self::Support => "SAR_SUPPORT",
            Self::AdminAccess => "SAR_ADMIN_ACCESS",
            Self::RegisterTemplate => "SAR_REGISTER_TEMPLATE",
        }
    }

    /// The role of that name, with or without `ROLE_` before it.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix("ROLE_").unwrap_or(text);
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The caller's name, kept with what they ask for.
    pub name: String,
    /// What they may do.
    pub roles: BTreeSet<Role>,
}

/// A bearer token from the configuration. Only its digest is kept.
#[derive(Clone)]
pub struct StaticToken {
    digest: [u8; 32],
    principal: Principal,
}

impl StaticToken {
    /// A token with these roles, for callers of this name.
    pub fn new(
        name: impl Into<String>,
        secret: &str,
        roles: impl IntoIterator<Item = Role>,
    ) -> Self {
        Self {
            digest: Sha256::digest(secret.as_bytes()).into(),
            principal: Principal {
                name: name.into(),
                roles: roles.into_iter().collect(),
            },
        }
    }

    /// A token that may do everything.
    pub fn with_all_roles(name: impl Into<String>, secret: &str) -> Self {
        Self::new(name, secret, Role::ALL)
    }
}

impl fmt::Debug for StaticToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaticToken({:?})", self.principal)
    }
}

/// Turns a bearer token into a principal.
#[derive(Clone, Debug, Default)]
pub struct Authenticator {
    tokens: Vec<StaticToken>,
}

impl Authenticator {
    /// Knows these tokens and no others.
    pub fn of_static_tokens(tokens: impl IntoIterator<Item = StaticToken>) -> Self {
        Self {
            tokens: tokens.into_iter().collect(),
        }
    }

    /// Whose token this is. Takes the same time for every wrong token.
    async fn authenticate(&self, token: &str) -> Option<Principal> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut found = None;
        for known in &self.tokens {
            if bool::from(known.digest.ct_eq(&digest)) {
                found = Some(&known.principal);
            }
        }
        found.cloned()
    }
}

/// A set of roles of which a caller needs any.
pub(crate) trait Roles {
    const ANY_OF: &'static [Role];
}

macro_rules! callers {
    ($($(#[$doc:meta])* $name:ident: $($role:ident)|+;)+) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl Roles for $name {
                const ANY_OF: &'static [Role] = &[$(Role::$role),+];
            }
        )+
    };
}

callers! {
    /// Makes requests, looks at them, and fetches reports.
    Requester: UserAccess | DataAccess;
    /// Works on requests.
    Worker: DataAccess;
    /// Looks after what is stuck.
    Supporter: Support;
    /// Restarts, cancels, and sees everything.
    Administrator: AdminAccess;
    /// Changes the catalogue of services.
    Cataloguer: AdminAccess | Support;
    /// Registers templates, and looks at them.
    Registrar: RegisterTemplate | Support;
    /// Has any role at all.
    Anybody: UserAccess | DataAccess | Support | AdminAccess | RegisterTemplate;
}

/// The caller, who has one of the roles `R`.
pub(crate) struct Caller<R> {
    pub(crate) principal: Principal,
    roles: PhantomData<R>,
}

impl<R: Roles> FromRequestParts<Api> for Caller<R> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let token = bearer_token(parts).ok_or_else(|| {
            ApiError::new(Kind::Unauthenticated)
                .detail("this needs a bearer token in the Authorization header")
                .challenge("Bearer realm=\"dossier\"")
        })?;
        let principal = api.authenticator.authenticate(token).await.ok_or_else(|| {
            ApiError::new(Kind::Unauthenticated)
                .detail("the bearer token is not valid")
                .challenge("Bearer realm=\"dossier\", error=\"invalid_token\"")
        })?;
        if !R::ANY_OF.iter().any(|role| principal.roles.contains(role)) {
            return Err(ApiError::new(Kind::Forbidden)
                .detail(format!("this needs the role {}", role_names(R::ANY_OF)))
                .challenge("Bearer realm=\"dossier\", error=\"insufficient_scope\""));
        }
        Ok(Self {
            principal,
            roles: PhantomData,
        })
    }
}

fn bearer_token(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn role_names(roles: &[Role]) -> String {
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    names.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_known_with_and_without_its_prefix() {
        assert_eq!(Role::parse("ROLE_SAR_SUPPORT"), Some(Role::Support));
        assert_eq!(Role::parse("SAR_SUPPORT"), Some(Role::Support));
        assert_eq!(Role::parse("SAR_ROOT"), None);
    }

    #[test]
    fn a_static_token_does_not_show_itself() {
        let token = StaticToken::with_all_roles("ada", "opensesame");
        assert!(!format!("{token:?}").contains("opensesame"));
    }
}

# syntax=docker/dockerfile:1
# The program alone, on a base without a shell or a package manager (`dossier`, the default), or with
# LibreOffice beside it, which turns office documents among the attachments into pages (`office`).

FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
COPY . .
# Neither dependencies nor what was compiled of them are fetched or made again: they stay in caches.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --package dossier --bin dossier \
    && install -D --mode=0755 target/release/dossier /image/usr/local/bin/dossier \
    && install -d --mode=0700 --owner=65532 --group=65532 /image/var/lib/dossier

FROM debian:bookworm-slim AS office
# The packages follow the base image, which is what is to be kept up to date.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
        libreoffice-calc-nogui libreoffice-impress-nogui libreoffice-writer-nogui \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /image /
ENV DOSSIER_DATA_FOLDER=/var/lib/dossier \
    DOSSIER_API__LISTEN=0.0.0.0:8080
USER 65532:65532
WORKDIR /var/lib/dossier
VOLUME /var/lib/dossier
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/dossier"]
CMD ["up"]

# It links the C library and libgcc, and reads the system's certificates: this base has just these.
FROM gcr.io/distroless/cc-debian12:nonroot AS dossier
COPY --from=build /image /
ENV DOSSIER_DATA_FOLDER=/var/lib/dossier \
    DOSSIER_API__LISTEN=0.0.0.0:8080
USER 65532:65532
WORKDIR /var/lib/dossier
VOLUME /var/lib/dossier
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/dossier"]
CMD ["up"]

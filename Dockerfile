FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image is Node 24 already: the dev dependency `node` need not fetch its own binary.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY adapters ./adapters
COPY policy ./policy
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json README.md LICENSE ./
RUN install -d -m 0700 -o node -g node /state
ENV NODE_ENV=production
ENV OPENCLAW_CONNECTOR_STATE_DIR=/state
USER node
VOLUME /state
# 8093 health, 8080 webhooks (with OPENCLAW_CONNECTOR_HTTP_PORT=8080). Both listen on the container's loopback until
# OPENCLAW_CONNECTOR_ADMIN_BIND or OPENCLAW_CONNECTOR_HTTP_BIND is 0.0.0.0; the check below works either way.
EXPOSE 8093 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.OPENCLAW_CONNECTOR_ADMIN_PORT || 8093}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/src/bin.js"]

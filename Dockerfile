# One image for the server and for simulated benches. `docker compose up` is the usual way to run it.

FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
# The wheel holds the front-end packages: npm is needed here and not in what runs.
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && python -m venv /opt/atelier \
    && /opt/atelier/bin/pip install --no-cache-dir --constraint .ci/constraints.txt "$(ls /wheels/*.whl)[all]"

FROM python:3.11-slim
# A fixed user id, so that a volume keeps its owner from one image to the next.
RUN useradd --system --uid 10321 --create-home --home-dir /var/lib/atelier atelier
COPY --from=build /opt/atelier /opt/atelier
ENV PATH=/opt/atelier/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    MES_DATABASE_URL=sqlite:////var/lib/atelier/atelier.db
USER atelier
WORKDIR /var/lib/atelier
VOLUME /var/lib/atelier
EXPOSE 8321
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["mes", "doctor", "--url", "http://127.0.0.1:8321"]
ENTRYPOINT ["mes"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8321", "--allow-host", "server", "--behind-proxy"]

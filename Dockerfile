# The image: the release binary with the shared libraries that it needs, and nothing else: no shell,
# no package manager, nothing pulled. `scripts/build-image` lays out the context, a directory of its
# own; the checkout itself is not one.
FROM scratch

COPY root/ /
COPY --chown=10001:10001 data/ /var/lib/squorum/

# One node serves with these alone; docker-compose.yml adds what makes three of them a cluster.
ENV SQUORUM_DATA_DIR=/var/lib/squorum \
    SQUORUM_LISTEN=0.0.0.0:9324 \
    SQUORUM_ADMIN_LISTEN=0.0.0.0:9325
USER 10001:10001
EXPOSE 9324 9325
VOLUME /var/lib/squorum
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/squorum"]
CMD ["serve"]

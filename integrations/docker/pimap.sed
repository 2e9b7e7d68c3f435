# Makes integrations/nginx/pimap.conf the configuration of a container.

# Redis is another container, whose address may change.
s|^pimap_redis .*|resolver 127.0.0.11;\npimap_redis redis://redis:6379;|

# The bridge listens on a socket that both containers have.
s|http://127.0.0.1:8025/auth|http://unix:/run/pimap/bridge.sock:/auth|

# compose.yaml opens this port to the host only.
s|listen 127.0.0.1:8026;|listen 8026;|
/^ *allow  127\.0\.0\.1;$/d
/^ *deny   all;$/d

# The page for operators ends devices: it is for this container alone.
s|{ pimap_accounts; }|{ allow 127.0.0.1; deny all; pimap_accounts; }|

#!/usr/bin/perl

# An error of "nginx -t" names the directive, the value and the place, and says
# what is good.  Settings that work, but not as their author expects, have a
# warning that says what to do.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(bare => 1, mode => '', allow => qr/\[emerg\]/);
my $redis = 'pimap_redis redis://127.0.0.1:6379;';
my $events = 'location /x { pimap_account $arg_account; pimap_events; }';
my $place = qr{in .*nginx\.conf:\d+};
my $here = qr{location $place};

# in "http", in "server", the error

my @errors = (
    ['pimap_retry 1min;', '',
        qr/"pimap_retry" is "1min", but must be a time, such as 500ms, 30s/],
    ['pimap_log_ttl 1x;', '',
        qr/"pimap_log_ttl" is "1x", but must be a time in seconds or lo/],
    ['pimap_max_event 1kb;', '',
        qr/"pimap_max_event" is "1kb", but must be a size, such as .* $place/],
    ['pimap_log_length 0;', '',
        qr/"pimap_log_length" is "0", but must be between 1 and 1000000 in/],
    ['pimap_max_device_length 0;', '',
        qr/"pimap_max_device_length" is "0", but must be between 1 and 1024/],
    ['pimap_update_rate 256;', '',
        qr/"pimap_update_rate" is "256", but must be 255 or less $place/],
    ['pimap_max_updates_per_account 0;', '',
        qr/"pimap_max_updates_per_account" is "0", but must be between 1/],
    ['pimap_coalesce 1ms;', '',
        qr/"pimap_coalesce" is "1ms", but must be 0 or between 100ms and 10s/],
    ['pimap_zone 100k;', '',
        qr/"pimap_zone" is "100k", but must be at least \d+k $place/],
    ['pimap_end_log_level loud;', '',
        qr/"loud", but must be "info" or "notice" or "warn" or "error" in/],
    ['pimap_ping 5min;', '', qr/invalid time "5min" in "pimap_ping", must be/],
    ['pimap_ping 60s most=1;', '',
        qr/parameter "most=1" in "pimap_ping", must be "min=" or "max="/],
    ['pimap_login basic;', '',
        qr/"basic", but must be "nginx" or "token" or "ticket" $place/],
    ['pimap_login token password;', '', qr/"pimap_login" is "password", but/],
    ['pimap_redis redis://127.0.0.1 db=1 pasword=secret;', '',
        qr/number 3 of its values; it knows user= password= .*probe= $place/],
    ['pimap_redis redis://127.0.0.1 secret;', '',
        qr/parameter, number 2 of its values/],
    ['pimap_redis redis://127.0.0.1?password=secret;', '',
        qr/"pimap_redis" .* odd character in its host, write each param.* in/],
    ['pimap_redis "redis://127.0.0.1 password=secret";', '',
        qr/"pimap_redis" .* odd character in its host, write each param.* in/],
    ['pimap_redis "unix:/run/redis.sock password=secret";', '',
        qr/"pimap_redis" .* odd character in its path, write each param.* in/],
    ['pimap_redis sentinel://127.0.0.1/mymaster?password=secret;', '',
        qr/"pimap_redis" .* odd character in the name of the master, write/],
    ['pimap_redis redis://no.such.host.invalid;', $events,
        qr/host not found in "pimap_redis" .*:6379 $place, check the name/],
    ['pimap_redis rediss://127.0.0.1 ca=nginx.conf;', $events,
        qr/"pimap_redis" $place can't use the file of "ca=", it must have/],
    ['pimap_redis rediss://127.0.0.1 cert=nginx.conf key=nginx.conf;',
        $events, qr/"pimap_redis" $place can't use the file of "cert=" or/],
    ['pimap_token_key nginx.conf id=1;', '',
        qr/parameter "id=1" in "pimap_token_key", must be "kid=" .* $place/],
    ['pimap_redis unix:redis.sock;', '',
        qr/"pimap_redis" directive must have an absolute path after "unix:"/],
    [$redis, 'location /x { pimap_publish lines; }',
        qr/invalid parameter "lines" in "pimap_publish", must be "batch" or/],
    [$redis, 'pimap_account $http_x; location /x { pimap_publish batch; }',
        qr/"pimap_publish batch" in the $here is for all accounts, but "pim/],
    [$redis, 'pimap_detach off; location /x { pimap_hibernate on;'
        . ' pimap_events; }',
        qr/"pimap_hibernate" needs "pimap_detach" in the $here, set "pimap/],
    [$redis, 'location /x { pimap_login token; pimap_events; }',
        qr/"pimap_login token" needs "pimap_token_key" in the $here/],
    [$redis, 'location /x { pimap_login ticket; pimap_publish; } location /t'
        . ' { pimap_login ticket; pimap_ticket; }',
        qr/"pimap_login ticket" has no effect in .*conf:\d+/],
);


# A location of publishers, open to other hosts

my $publish = "server { listen *:@{[ $t->port('public') ]};"
    . ' location /x { pimap_publish; MORE } }';
my $local = "unix:@{[ $t->dir() ]}/socket";
my $open = qr/"\/x" .* "pimap_publish" and neither .* every account, $place/;
my $ticket = qr/"pimap_login ticket" has no effect $place: no location issues/;

$t->write_file($t->dir() . '/secret', 'x' x 32);

# outside, in "http", in "server", the warning or none

my @warnings = (
    ['', '', 'location /x { pimap_status; proxy_pass http://127.0.0.1:1; }',
        qr/the pimap directive of the $here has no effect: one after it/],
    ['', '', 'location /x { proxy_pass http://127.0.0.1:1; pimap_status; }',
        qr/"pimap_status" takes the place of a directive before it, .*$place/],
    ['', '', 'location /x { pimap_status; limit_except GET { deny all; } }'],
    ['', '', 'location /x { pimap_status; location /x/y { proxy_pass'
        . ' http://127.0.0.1:1; } }'],
    ['worker_shutdown_timeout 5s;', '', $events,
        qr/timeout" is 5000ms, shorter than "pimap_drain" with 30000ms: .*/],
    ['worker_shutdown_timeout 5s;', 'pimap_drain 5s;', $events],
    ['worker_shutdown_timeout 30s;', '', $events],
    ['', '', $events],
    ['', $publish =~ s/MORE//r, '', $open],
    map({ ['', $publish =~ s/MORE/$_/r, ''] } 'allow 127.0.0.1; deny all;',
        'auth_basic x; auth_basic_user_file secret;',
        'pimap_account alice;'),
    ['', $publish =~ s/MORE//r =~ s/\*:\d+/$local/r, ''],
    ['', $publish =~ s/publish;/publish signature_key=secret;/r
        =~ s/MORE//r, ''],
    ['', '', 'location /x { pimap_publish; }'],
    ['', '', 'location /x { pimap_login ticket; pimap_events; }', $ticket],
    ['', '', 'location /x { pimap_login ticket; pimap_ticket_key secret;'
        . ' pimap_events; }'],
    ['', '', 'location /x { pimap_login ticket; pimap_events; }'
        . ' location /t { pimap_account $arg_a; pimap_ticket; }'],
    ['', '', 'location /x { pimap_login ticket; pimap_events; }'
        . ' location /t { pimap_account $arg_a; pimap_ticket;'
        . ' pimap_ticket_key secret; }', $ticket],
    ['', 'pimap_max_devices 150000;', $events,
        qr/150000, but 2 workers with 100 "worker_connections" have 200 conn/],
    ['', 'pimap_max_devices 200;', $events,
        qr/"pimap_max_devices" is 200, but/],
    ['', 'pimap_max_devices 199;', $events],
);

$t->plan(3 * @errors + 2 * @warnings);

for (@errors) {
    my ($http, $server, $error) = @$_;
    my ($ok, @lines) = check('', $http, $server);
    my $said = join(' ', grep { /\[emerg\]/ } @lines);

    ok(!$ok, "refused: $http $server");
    like($said, $error, '    the error');
    unlike("@lines", qr/secret/, '    without a password');
}

for (@warnings) {
    my ($main, $http, $server, $warning) = @$_;
    my ($ok, @lines) = check($main, "$redis $http", $server);
    my $said = join(' ', grep { /\[warn\]/ } @lines);

    ok($ok, "accepted: $main $http $server");
    $warning ? like($said, $warning, '    with a warning')
        : is($said, '', '    with no warning');
}


sub check {
    my ($main, $http, $server) = @_;

    my $nginx = $t->nginx();

    @{$nginx}{qw(main http server locations workers connections)} = ($main,
        $http, $server, '', 2, 100);

    my ($ok, $text) = $nginx->check();

    return ($ok, split(/\n/, $text));
}

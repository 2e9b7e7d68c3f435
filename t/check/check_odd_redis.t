#!/usr/bin/perl

# pimap-check with a Redis that is too old, that does not answer, or that fails
# in the middle of the test event.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Check;
use Pimap::FakeRedis;
use Pimap::OddRedis;

my $t = Pimap->new(mode => '');
my $conf = $t->dir() . '/nginx.conf';

$t->plan(22);
Pimap::Check->set_up($t);
$t->run();
Pimap::Check->ready($t);

my $good = $t->nginx()->conf();
my $by_redis = $good =~ s/location = \/pimap\/publish .*//r;
my $redis = Pimap::OddRedis->new(t => $t, name => 'odd', mode => '[]')
    ->start();
my $check = Pimap::Check->new(t => $t);

$ENV{PATH} = '/nowhere';                # so there is no Dovecot

# The proxy

odd($good);
is(join(' ', map { $check->result($_) } qw(redis.server redis.functions
    redis.acl delivery.log delivery.device limits.redis)),
    join(' ', ('pass') x 6), 'all is well through the proxy');

# Redis 6 has no functions.

my @old = (['INFO server', bulk("redis_version:6.2.14\r\n"
    . "redis_mode:standalone\r\n")],
    map { [$_, "-ERR unknown command `$_`, with args beginning with:\r\n"] }
    qw(FCALL_RO FCALL));

odd($by_redis, @old);
$check->is('redis.server:old', 'warn', qr/Redis 6\.2\.14 keeps no log/,
    qr/Redis 7/, 'Redis 6');
$check->is('redis.functions:missing', 'fail', qr/not loaded: ERR unknown/,
    qr/pimap-load-functions/, '    has no functions');
is(join(' ', map { $check->result($_) } qw(redis.acl delivery.publish
    delivery.log delivery.device names.published)),
    'pass pass skip pass skip', '    and live events come all the same');

odd($by_redis =~ s/(pimap_redis \S+)/$1 functions=off/r, @old);
$check->is('redis.functions', 'skip', qr/functions=off/, qr/^$/,
    '    without functions by choice');
is($check->{status}, 0, '    which is no failure');

# It fails between the steps: the last command before the test event is one of
# the step of Redis.

my $post = 'FCALL pimap_post 1 pimap:{alice}';
my $read = 'FCALL_RO pimap_read 1 pimap:{alice}';

odd($by_redis, [$post, "-OOM command not allowed\r\n"]);
$check->is('delivery.publish:redis', 'fail', qr/OOM/, qr/step of Redis/,
    'Redis refuses the test event');
odd($by_redis, [$post, '']);
$check->is('delivery.publish:redis', 'fail', qr/connection was closed/,
    qr/step of Redis/, 'Redis goes away with the test event');
ok($check->{by}{'login.wrong'}, '    and all steps were taken');
odd($good, [$read, "-LOADING Redis is loading\r\n"]);
$check->is('delivery.log:error', 'fail', qr/LOADING/, qr/step of Redis/,
    'Redis refuses to read the log');
odd($good, [$read, '']);
$check->is('delivery.log:error', 'fail', qr/connection was closed/,
    qr/step of Redis/, 'Redis goes away after the test event');
is($check->result('delivery.device'), 'pass', '    which has come');
$check->is('names.published:lost', 'unknown', qr/has gone/, qr/log of Redis/,
    '    and names are not known');
$check->is('limits.redis:error', 'unknown', qr/INFO clients/,
    qr/step of Redis/, '    nor are its limits');

odd($good, ['FCALL pimap_version', '']);
$check->is('redis.answers:lost', 'fail', qr/was closed/, qr/its log/,
    'Redis goes away in its step');

# A second connection

odd($good, ['SUBSCRIBE', '']);
$check->is('redis.acl:connection', 'fail', qr/connection was closed/,
    qr/maxclients/, 'Redis closes a connection that subscribes');
odd($good, ['INFO clients', bulk("connected_clients:1\r\n")]);
$check->is('limits.redis:error', 'unknown', qr/maxclients/, qr/step of Redis/,
    'Redis does not tell its limit');

# nginx has lost its own.

$t->redis()->command('SET', 'pimap:{alice}', 'no stream');
odd($good);
$check->is('delivery.publish:refused', 'fail', qr/answers 5\d\d/,
    qr/error log/, 'nginx can\'t publish');
$t->redis()->command('DEL', 'pimap:{alice}');

$t->write_file($conf, $good =~ s{pimap_redis [^;]+;}{
    "pimap_redis sentinel://127.0.0.1:@{[ $redis->port() ]}/mymaster;"}er);
$check->run('--timeout', 1);
$check->is('redis.connect:failed', 'fail', qr/unknown|no master/,
    qr/pimap_redis/,
    'a Redis instead of a sentinel');

# No answer

my $silent = Pimap::FakeRedis->new(t => $t, name => 'silent')->start();

$silent->answer({ ping => '' });
$redis = $silent;
odd($good);
$check->is('redis.connect:silent', 'fail', qr/timed out/, qr/firewall/,
    'Redis does not answer');

# Neither a location nor Redis to publish by

odd($by_redis);
$check->is('delivery.publish:no-way', 'unknown', qr/not known/, qr/above/,
    '    and there is no other way to publish');
is($check->{status}, 1, '    which is a failure');


# nginx keeps what it has: only the file names the odd server.

sub odd {
    my ($text, @rules) = @_;

    $redis->rules(@rules) if $redis->can('rules');
    $t->write_file($conf, $text =~ s{pimap_redis \S+?(;| )}{
        "pimap_redis redis://127.0.0.1:@{[ $redis->port() ]}$1"}er);
    $check->run('--timeout', 1);
}


sub bulk { return Pimap::OddRedis::bulk(@_) }

#!/usr/bin/perl

# The options of pimap-check: tokens, passwords, and servers by other addresses
# than those of nginx's configuration.

use strict;
use warnings;

use File::Spec;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Check;
use Pimap::Token;

my $t = Pimap->new(mode => '');
my $dir = $t->dir();
my $token = Pimap::Token->new($t);
my $jwks = $token->jwks('keys.json', 'secret');
my $address = '127.0.0.2:' . $t->port('clear');

$t->plan(19);
Pimap::Check->set_up($t, "pimap_login token; pimap_token_key $jwks;");
$t->redis(port => 1, users => ['boss on >boss-secret ~* &* +@all',
    'default on nopass ~pimap:* &pimap:* +@all -pubsub -config -scan'])
    ->start();
$t->nginx()->{http} .= <<"END";
    server {
        listen $address;

        location = /pimap/events {
            auth_basic pimap;
            auth_basic_user_file $dir/htpasswd;
            pimap_events;
        }
    }
END
$t->run();
Pimap::Check->ready($t);

my $check = Pimap::Check->new(t => $t);

$check->run('--conf', File::Spec->abs2rel("$dir/nginx.conf"));
is($check->result('nginx.configuration'), 'pass', 'a relative name');

# Tokens


$t->write_file("$dir/token", $token->make(secret => { sub => 'alice' }));
$check->run('--token-file', "$dir/token");
is(join(' ', map { $check->result($_) } qw(delivery.park delivery.device
    login.wrong)), 'pass pass pass', 'a token');
unlike($check->{text}, qr/eyJ/, '    is not printed');
$check->{without} = qr/account/;
$check->run('--token-file', "$dir/token");
$check->is('delivery.publish:no-account', 'unknown', qr/does not tell/,
    qr/--account/, '    and does not tell the account');
delete($check->{without});
$t->write_file("$dir/token", "two words\n");
$check->text('--token-file', "$dir/token");
like($check->{errors}, qr/error: the file has no token/,
    'a file without a token');
$check->text('--password-file', "$dir/none");
like($check->{errors}, qr/error: .*No such file/,
    'a file that is not there');
is($check->{status}, 2, '    has a status of its own');

# Passwords

$check->{url} = "http://$address/pimap/events";
$check->run();
$check->is('delivery.park', 'pass', qr/at once/, qr/^$/, 'a password');
$check->is('delivery.clear:clear', 'warn', qr/without TLS/, qr/https/,
    '    in clear');

my $command = join(' ', $check->command('--password-file', '-'));

like(qx(echo secret | $command), qr/pass +delivery\.park/,
    'a password from the standard input');

# Redis

$check->run();
is($check->result($_), 'unknown', "$_: nginx has no right to see it")
    for 'redis.timeout', 'names.published';
$t->write_file("$dir/redis-password", "boss-secret\n");

my @redis = ('--redis', "redis://boss\@127.0.0.1:@{[ $t->port('redis') ]}",
    '--redis-password-file', "$dir/redis-password");

$check->run(@redis);
is($check->result('redis.timeout'), 'pass', '    another user may');
$check->is('names.published:no-event', 'warn',
    qr/1 of 1/, qr/./, '    so he sees');
unlike($check->{text}, qr/boss-secret/, '    its password is not printed');
$t->write_file("$dir/redis-password", "wrong\n");
$check->run(@redis);
$check->is('redis.other:failed', 'fail', qr/WRONGPASS/, qr/--redis/,
    '    and not with a wrong password');

# The bridge

my $bridge = Pimap::Bridge->new(t => $t, imap => 1);

$bridge->start()->wait_healthy();
$check->run('--bridge', 'http://127.0.0.1:' . $bridge->port());
$check->is('bridge.up', 'pass', qr/healthz/, qr/^$/, 'a bridge by its port');
$bridge->stop();
$check->run('--bridge', "http://unix:$dir/none");
$check->is('bridge.up:away', 'fail', qr/No such file/, qr/start pimap-bridge/,
    'a bridge by a socket that is not there');
$check->text('--devices', 'many');
is($check->{status}, 2, 'no number');

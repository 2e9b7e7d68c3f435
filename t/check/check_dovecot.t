#!/usr/bin/perl

# pimap-check finds faults of Dovecot's part: the plugin, the script, the
# address, and what Dovecot has said of them.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Check;
use Pimap::Dovecot;

delete $ENV{PIMAP_DOVECOT};             # doveconf is the system's

my $t = Pimap->new(mode => '');
my $dir = $t->dir() . '/dovecot';

$t->plan(17);
Pimap::Check->set_up($t);
$t->run();
Pimap::Check->ready($t);

my $url = 'http://127.0.0.1:' . $t->port('http') . '/pimap/publish';
my $dovecot = Pimap::Dovecot->new(t => $t, url => $url)->start();
my $check = Pimap::Check->new(t => $t);
my $good = $t->read_file("$dir/dovecot.conf");

$check->run();
is(join(' ', map { $check->result("dovecot.$_") } qw(plugin script url running
    errors)), join(' ', ('pass') x 5), 'all is well');

# The settings; the process has the good ones

conf(bare());
$check->run();
$check->is('dovecot.plugin:none', 'fail', qr/does not publish/, qr/lua-2/,
    'no plugin');
conf("$good\nprotocol lmtp {\n"
    . ($dovecot->{version} eq '2.4' ? "  mail_plugins {\n    notify = no\n  }"
        : '  mail_plugins = sieve') . "\n}\n");
$check->run();
$check->is('dovecot.plugin:protocol', 'fail', qr/protocol lmtp lacks .*notify/,
    qr/there, too/, 'a protocol without the plugins');
conf($good =~ s/(file ?=.*)pimap\.lua/$1none.lua/r);
$check->run();
$check->is('dovecot.script:missing', 'fail', qr/none\.lua does not exist/,
    qr/install/, 'no script');
conf($good =~ s/^.*(?:lua:file|lua_file) ?=.*//mr);
$check->run();
$check->is('dovecot.script:no-driver', 'fail', qr/no driver/, qr/lua-2/,
    'no driver has the script');
conf($good =~ s/^.*pimap_url.*//mr);
$check->run();
$check->is('dovecot.url:other', 'fail',
    qr/publishes to http:\/\/127\.0\.0\.1:8026\/pimap\/publish, /,
    qr/pimap_url/, 'a script without an address: its own default');
conf($good =~ s/(pimap_url = http:\/\/127\.0\.0\.1):\d+/$1:8/r);
$check->run();
$check->is('dovecot.url:other', 'fail',
    qr/publishes to http:\/\/127\.0\.0\.1:8\//,
    qr/pimap_url/, 'another address than nginx\'s');
conf($good =~ s/(pimap_url = http:\/\/)/$1mail:word-of-mail@/r);
$check->run();
$check->is('dovecot.url', 'pass', qr/^http:\/\/127/, qr/^$/,
    'an address with a password');
unlike($check->{text}, qr/word-of-mail/, '    which is not printed');
conf("$good\nnone = yes\n");
$check->run();
$check->is('dovecot.settings:refused', 'fail', qr/none/, qr/correct/,
    'an unknown setting');

# A publisher, and no location for it

my $nginx = $t->nginx()->conf();

conf($good);
$t->write_file($t->dir() . '/nginx.conf', $nginx
    =~ s/location = \/pimap\/publish .*//r);
$check->run();
$check->is('dovecot.url:no-location', 'unknown',
    qr/pimap_publish for http:\/\/127/, qr/host of the other nginx/,
    'this nginx has no location for publishers');
$t->write_file($t->dir() . '/nginx.conf', $nginx);

# The process

conf($good);
utime(time() + 10, time() + 10, "$dir/dovecot.conf");
$check->run();
$check->is('dovecot.running:older', 'warn', qr/is newer/, qr/restart/,
    'settings that are newer than the process');
utime(1, 1, "$dir/dovecot.conf");

# nginx is away, and the script says so.

$t->nginx()->stop();
$dovecot->deliver(to => 'alice', subject => 'Hello');
ok($t->wait_for(sub { $dovecot->log() =~ /pimap: publishing failed/ },
    'an error'), 'the script fails');
$check->run();
$check->is('dovecot.errors:said', 'warn',
    qr/pimap: publishing failed/, qr/earlier/,
    '    and its words are found');
$t->stop($dovecot->{process});
$check->run();
$check->is('dovecot.running:stopped', 'fail', qr/no master process/, qr/start/,
    'Dovecot does not run');
$check->is('dovecot.errors:not-told', 'unknown', qr/doveadm/, qr/as root/,
    '    and tells no errors');

$check->run('--dovecot-conf', "$dir/none.conf");
$check->is('dovecot.settings:refused', 'fail', qr/none\.conf/, qr/root/,
    'a file that is not there');


sub conf { $t->write_file("$dir/dovecot.conf", $_[0]) }


# Without the part of integrations/dovecot

sub bare {
    my $driver = Pimap::Dovecot->new(t => $t, driver => 'none');

    $driver->{dir} = $dir;

    return Pimap::DovecotConf->text($driver);
}

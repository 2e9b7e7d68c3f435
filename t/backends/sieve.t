#!/usr/bin/perl

# A delivery is an event by Dovecot's Sieve: with the settings and the files of
# integrations/sieve, and the real Pigeonhole.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dovecot;
use Pimap::Page;

plan(skip_all => 'the settings are for Dovecot 2.3')
    if Pimap::Dovecot->system_version() ne '2.3';

my $t = Pimap->new();
my ($dir, $root) = ($t->dir(), $t->root());
my ($settings) = map { $_->{text} } Pimap::Page->new($root,
    'integrations/sieve/README.md')->blocks('dovecot23');

$t->nginx()->{locations} .= <<'END';
        location = /batch {
            pimap_publish batch;
        }
END

$t->plan(9);
files();
$settings =~ s{/etc/dovecot/}{$dir/}g;

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'none',
    main => $settings)->start();

$t->run();
$t->wait_ready();

my $alice = $t->park('alice');

$t->subscribed('alice');
$dovecot->deliver(to => 'alice', subject => 'Lunch');
is_deeply($alice->event()->{json}, { event => 'MessageNew',
    mailbox => 'INBOX' }, 'a mail is delivered: an event');
is(messages('INBOX'), 1, '    the mail is there, once');

# The user's own script files a mail: no event, unless it is global

own('require ["fileinto", "mailbox"]; if header :contains "subject" "list"'
    . ' { fileinto :create "Lists"; }');
$dovecot->deliver(to => 'alice', subject => 'a list');
ok($alice->quiet(1), 'a mail that a script of the user files: none');
is(messages('Lists'), 1, '    the mail is there');
$dovecot->deliver(to => 'alice', subject => 'Dinner');
is($alice->event()->{event}, 'MessageNew', '    any other mail: an event');

# A user can't call the program

own('require "vnd.dovecot.pipe"; pipe "pimap-publish" ["Stolen"];');
$dovecot->deliver(to => 'alice', subject => 'stolen');
ok($alice->quiet(1), 'a script of the user with the pipe fails: no event');
is(messages('INBOX'), 3, '    the mail is in INBOX');

# Without nginx mail is delivered

$t->nginx()->stop();
cmp_ok($dovecot->deliver(to => 'alice', subject => 'in the dark'), '<', 20,
    'without nginx a delivery takes some time');
is(messages('INBOX'), 4, '    and the mail is there');


sub files {
    for (['sieve-pipe', 'pimap-publish', 0755], ['sieve', 'pimap.sieve', 0644])
    {
        my ($to, $name, $mode) = @$_;
        my $text = $t->read_file("$root/integrations/sieve/$name");
        my $port = $t->port('http');

        $text =~ s{http://127.0.0.1:8026/pimap/publish}
                  {http://127.0.0.1:$port/batch};
        mkdir("$dir/$to");
        chmod(0755, "$dir/$to");
        $t->write_file("$dir/$to/$name", $text);
        chmod($mode, "$dir/$to/$name");
    }
}


# The active script of alice

sub own {
    my ($text) = @_;
    my $home = "$dir/dovecot/mail/alice";

    unlink(glob("$home/.dovecot.*"));
    $t->write_file("$home/.dovecot.sieve", "$text\n");
    chmod(0644, "$home/.dovecot.sieve");
}


sub messages {
    my ($mailbox) = @_;

    my $imap = $dovecot->imap();
    my $answer = join('', $imap->command("STATUS $mailbox (MESSAGES)"));

    $imap->logout();
    return $answer =~ /MESSAGES (\d+)/ ? $1 : 'none';
}

package Pimap::FakeImap;

# An IMAP server that may break the protocol: it plays a script of the test,
# one for each connection, as its "mode".  A script is a list of steps in JSON:
#
#     ["say", "* OK hello\r\n"]           "TAG" in it is the last tag read,
#                                         and "FILL(9)" nine bytes
#     ["read", "LOGIN"]                   a line; closes if it lacks this text
#     ["login", "password"]               a noted LOGIN; refused and closed if
#                                         it has another password
#     ["drip", "bytes", 0.01]             byte by byte, with this delay
#     ["endless", "bytes"]                repeated without end
#     ["serve", {INBOX: [5, 1, 2]}, "IDLE"]   as a server whose mailboxes have
#                                         this UIDVALIDITY and these UIDs, up
#                                         to a command that it has answered;
#                                         one below zero, or without STATUS: 0,
#                                         can't be selected; [] is \Noselect
#     ["hold", "file"]                    until this file exists
#     ["wait"]                            for ever
#     ["close"]

use strict;
use warnings;

use JSON::PP;
use Time::HiRes qw(sleep);

use parent qw(Pimap::Fake);

use Pimap::Process qw(wait_for);


sub new {
    my ($class, %set) = @_;
    return $class->SUPER::new(name => 'fakeimap', mode => '[]', %set);
}


sub script {
    my ($self, @steps) = @_;
    $self->mode(JSON::PP->new->encode(\@steps));
}


# The steps of a server up to the login, and a list with one mailbox.

sub until_login {
    my ($class, $caps) = @_;

    return (
        ['say', "* OK [CAPABILITY IMAP4rev1] hello\r\n"],
        ['read', 'LOGIN'],
        ['say', "TAG OK [CAPABILITY IMAP4rev1 $caps] in\r\n"],
    );
}


sub until_list {
    my ($class, $caps) = @_;

    return ($class->until_login("$caps LIST-EXTENDED LIST-STATUS"),
        ['read', 'LIST'],
        ['say', "* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 2 "
            . "UIDNEXT 3 UIDVALIDITY 5 UNSEEN 2)\r\nTAG OK listed\r\n"],
        ['read', 'EXAMINE'],
        ['say', "* 2 EXISTS\r\n* OK [UIDVALIDITY 5] x\r\n"
            . "* OK [UIDNEXT 3] x\r\nTAG OK in\r\n"],
        ['read', 'FETCH'],
        ['say', join('', map { "* $_ FETCH (UID $_ FLAGS () INTERNALDATE "
            . "\"24-Nov-2026 12:00:00 +0000\")\r\n" } 1, 2) . "TAG OK x\r\n"],
    );
}


sub serve {
    my ($self, $server) = @_;

    local $SIG{PIPE} = 'IGNORE';
    local $SIG{CHLD} = 'IGNORE';

    while (my $client = $server->accept()) {
        my $pid = fork();

        if ($pid == 0) {
            CORE::close($server);
            $client->autoflush(1);
            eval { $self->_play($client) };
            POSIX::_exit(0);
        }

        CORE::close($client);
    }
}


sub _play {
    my ($self, $client) = @_;

    my $tag = '*';

    for my $step (@{ JSON::PP->new->decode($self->mode()) }) {
        my ($what, $text, $time) = @$step;

        $text =~ s/TAG/$tag/g if defined $text && $what !~ /^(?:read|serve)$/;

        if ($what eq 'say') {
            $text =~ s/FILL\((\d+)\)/'x' x $1/ge;
            print $client $text or return;

        } elsif ($what eq 'read') {
            my $line = <$client> // return;
            $tag = $1 if $line =~ /^(p\d+) /;
            return if defined $text && $line !~ /$text/;

        } elsif ($what eq 'login') {
            my ($its, $login) = (<$client> // '') =~ /^(p\d+) (.*?)\r?\n/;

            $self->note($login // 'nothing');
            $tag = $its // return;

            if ($login !~ / "?\Q$text\E"?$/) {
                print $client "$tag NO [AUTHENTICATIONFAILED] no\r\n";
                return;
            }

        } elsif ($what eq 'serve') {
            $tag = $self->_answer($client, $text, $time, $tag) // return;

        } elsif ($what eq 'drip') {
            for my $byte (split(//, $text)) {
                print $client $byte or return;
                sleep($time);
            }

        } elsif ($what eq 'endless') {
            1 while print $client $text;
            return;

        } elsif ($what eq 'hold') {
            wait_for(sub { -e $text }, 9e9);

        } elsif ($what eq 'wait') {
            1 while defined <$client>;
            return;

        } else {
            return;
        }
    }
}


# Notes each command; the tag of the last, or undef if the client has left.

sub _answer {
    my ($self, $client, $mailboxes, $until, $tag) = @_;

    while (defined(my $line = <$client>)) {
        my ($its, $command) = $line =~ /^(?:(p\d+) )?(.*?)\r?\n/;

        $tag = $its // $tag;
        $self->note($command);

        if ($command eq 'IDLE') {
            print $client "+ idling\r\n" or return;

        } else {
            my $no = $command =~ /^(?:EXAMINE|SELECT) "?(\w+)/
                && ($mailboxes->{$1}[0] // 0) <= 0;

            print $client $no ? "$tag NO not now\r\n"
                : ($self->_told($mailboxes, $command), "$tag OK done\r\n")
                or return;
        }

        return $tag if $command =~ /^$until/;
    }

    return;
}


sub _told {
    my ($self, $mailboxes, $command) = @_;

    my @names = sort(keys(%$mailboxes));
    my @told;

    $self->{selected} //= 'INBOX';

    push(@told, map { 'LIST (' . (@{ $mailboxes->{$_} } ? '' : '\\Noselect')
        . ") \"/\" $_" } @names) if $command =~ /^LIST/;

    if ($command =~ /^(?:LIST|NOTIFY)/) {
        for my $name (grep { $mailboxes->{$_}[0] } @names) {
            my ($validity, @uids) = @{ $mailboxes->{$name} };

            push(@told, sprintf('STATUS %s (MESSAGES %d UIDNEXT %d UIDVALIDITY'
                . ' %d UNSEEN %d)', $name, 0 + @uids, ($uids[-1] // 0) + 1,
                abs($validity), 0 + @uids));
        }

    } elsif ($command =~ /^ENABLE (.*)/) {
        push(@told, "ENABLED $1");

    } elsif ($command =~ /^(?:EXAMINE|SELECT) "?(\w+)/) {
        $self->{selected} = $1;

        my ($validity, @uids) = @{ $mailboxes->{$1} };

        push(@told, @uids . ' EXISTS', "OK [UIDVALIDITY $validity] x",
            'OK [UIDNEXT ' . (($uids[-1] // 0) + 1) . '] x');

    } elsif ($command =~ /^UID SEARCH/) {
        my ($validity, @uids) = @{ $mailboxes->{ $self->{selected} } };

        push(@told, "SEARCH @uids");

    } elsif ($command =~ /^(UID )?FETCH (\d+)/) {
        my ($validity, @uids) = @{ $mailboxes->{ $self->{selected} } };

        push(@told, map { my $n = $_; "$n FETCH (UID $uids[$n - 1] FLAGS ()"
            . ' INTERNALDATE "24-Nov-2036 12:00:00 +0000" RFC822.SIZE 9'
            . ' ENVELOPE (NIL "x" NIL NIL NIL NIL NIL NIL NIL NIL))' }
            grep { ($1 ? $uids[$_ - 1] : $_) >= $2 } 1 .. @uids);
    }

    return map { "* $_\r\n" } @told;
}


1;
